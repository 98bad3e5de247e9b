locals {
  _product_logs = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${local.prefix}-\""

  # what common/logs.py writes as one JSON line per event
  metrics = {
    errors = {
      description = "Errors nobody foresaw."
      filter      = "jsonPayload.event=\"unexpected_error\""
      labels      = []
    }
    incidents = {
      description = "What needs a person's eye, by code: held writes, failed runs, conversions gone stale."
      filter      = "jsonPayload.event=\"incident\""
      labels      = ["code", "conversion", "severity"]
    }
    runs = {
      description = "Entries of the run ledger by status."
      filter      = "jsonPayload.event=\"run\""
      labels      = ["status"]
    }
    watchdogs = {
      description = "Signs of life of the hourly watchdog, which looks after the daily runs."
      filter      = "jsonPayload.event=\"watchdog\""
      labels      = []
    }
    bytes = {
      description = "Bytes that runs have read."
      filter      = "jsonPayload.event=\"run\" AND jsonPayload.bytes_processed>0"
      labels      = []
      value       = "jsonPayload.bytes_processed"
    }
    deliveries = {
      description = "Requests to ad platforms, by destination."
      filter      = "jsonPayload.event=\"export_run\""
      labels      = ["destination"]
      value       = "jsonPayload.count"
    }
  }

  # who hears what: mail is for what needs a person today; INFO is the end of every run
  _mail = { for address in var.alert_emails : address => { type = "email", labels = { email_address = address }, severities = ["ERROR", "CRITICAL"] } }
  _made = merge(local._mail, { for name, channel in var.alert_channels : name => channel if channel.type != "existing" })
  channels = {
    for severity in ["INFO", "WARNING", "ERROR", "CRITICAL"] : severity => concat(
      [for name, channel in local._made : google_monitoring_notification_channel.channels[name].id if contains(channel.severities, severity)],
      [for channel in values(var.alert_channels) : channel.labels.name if channel.type == "existing" && contains(channel.severities, severity)],
    )
  }

  # three missed rounds of the hourly watchdog; what it watches may be a day apart
  dead_man = "10800s"
}

resource "google_monitoring_notification_channel" "channels" {
  for_each = local._made

  project      = var.project
  display_name = "conversions ${var.environment}: ${each.key}"
  type         = each.value.type
  labels       = each.value.labels

  depends_on = [google_project_service.apis]
}

resource "google_logging_metric" "events" {
  for_each = local.metrics

  project     = var.project
  name        = "${local.prefix}-${each.key}"
  description = each.value.description
  filter      = "${local._product_logs} AND ${each.value.filter}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = try(each.value.value, null) == null ? "INT64" : "DISTRIBUTION"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key = labels.value
      }
    }
  }

  value_extractor = try("EXTRACT(${each.value.value})", null)
  # Cloud Logging moves the severity out of the payload
  label_extractors = { for label in each.value.labels : label => label == "severity" ? "EXTRACT(severity)" : "EXTRACT(jsonPayload.${label})" }

  depends_on = [google_project_service.apis]
}

locals {
  _events = { for key, metric in google_logging_metric.events : key => "metric.type=\"logging.googleapis.com/user/${metric.name}\" AND resource.type=\"cloud_run_revision\"" }

  # each alert: one series above a threshold, or silence where there should be a sound
  alerts = {
    warning = {
      severity  = "WARNING"
      summary   = "An incident was reported that can wait"
      advice    = "The API's incidents list says what happened and what to do next."
      filter    = "${local._events["incidents"]} AND metric.label.severity=\"WARNING\""
      aligner   = "ALIGN_DELTA"
      period    = "300s"
      threshold = 0
      duration  = "0s"
      group_by  = ["metric.label.code", "metric.label.conversion"]
    }
    incident = {
      severity  = "ERROR"
      summary   = "An incident was reported"
      advice    = "The API's incidents list says what happened and what to do next."
      filter    = "${local._events["incidents"]} AND metric.label.severity!=\"WARNING\" AND metric.label.code!=\"stale\""
      aligner   = "ALIGN_DELTA"
      period    = "300s"
      threshold = 0
      duration  = "0s"
      group_by  = ["metric.label.code", "metric.label.conversion"]
    }
    stale = {
      severity  = "CRITICAL"
      summary   = "A conversion has had no success in 26 hours"
      advice    = "The hourly watchdog noticed it; the runs ledger holds the conversion's last entries."
      filter    = "${local._events["incidents"]} AND metric.label.code=\"stale\""
      aligner   = "ALIGN_DELTA"
      period    = "300s"
      threshold = 0
      duration  = "0s"
      group_by  = ["metric.label.conversion"]
    }
    unexpected-error = {
      severity  = "ERROR"
      summary   = "A function met an error that nobody foresaw"
      advice    = "Search the logs for jsonPayload.event=\"unexpected_error\"; its request_id finds the rest."
      filter    = local._events["errors"]
      aligner   = "ALIGN_DELTA"
      period    = "300s"
      threshold = 0
      duration  = "0s"
      group_by  = ["resource.label.service_name"]
    }
    failing-requests = {
      severity  = "WARNING"
      summary   = "A function keeps failing"
      advice    = "A single 503 is a retry and harmless; this many are not. Look at the function's logs."
      filter    = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND resource.label.service_name=starts_with(\"${local.prefix}-\") AND metric.label.response_code_class=\"5xx\""
      aligner   = "ALIGN_DELTA"
      period    = "600s"
      threshold = 10
      duration  = "600s"
      group_by  = ["resource.label.service_name"]
    }
    dead-letter = {
      severity  = "CRITICAL"
      summary   = "A message was given up after thirty deliveries"
      advice    = "See \"Replay the dead letters\" in terraform/README.md."
      filter    = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.label.subscription_id=\"${google_pubsub_subscription.dead_letters.name}\""
      aligner   = "ALIGN_MAX"
      period    = "300s"
      threshold = 0
      duration  = "0s"
      group_by  = ["resource.label.subscription_id"]
    }
    late-message = {
      severity  = "WARNING"
      summary   = "A message has waited for more than two hours"
      advice    = "The function behind the subscription is slow, failing or at its limit of instances."
      filter    = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\" AND resource.label.subscription_id=one_of(${join(",", [for subscription in google_pubsub_subscription.push : "\"${subscription.name}\""])})"
      aligner   = "ALIGN_MAX"
      period    = "300s"
      threshold = 7200
      duration  = "0s"
      group_by  = ["resource.label.subscription_id"]
    }
  }
}

resource "google_monitoring_alert_policy" "alerts" {
  for_each = local.alerts

  project               = var.project
  display_name          = "${local.prefix}: ${each.key}"
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = local.channels[each.value.severity]

  # a burst of logs ends by itself; without this its incident stays open for a week
  alert_strategy {
    auto_close = "86400s"
  }

  conditions {
    display_name = each.value.summary

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = each.value.duration

      aggregations {
        alignment_period     = each.value.period
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.aligner == "ALIGN_MAX" ? "REDUCE_MAX" : "REDUCE_SUM"
        group_by_fields      = each.value.group_by
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = each.value.advice
  }
}

# news rather than trouble: each line of the log that says so is told, with what it says
resource "google_monitoring_alert_policy" "run_ended" {
  project               = var.project
  display_name          = "${local.prefix}: run-ended"
  combiner              = "OR"
  notification_channels = local.channels["INFO"]

  alert_strategy {
    auto_close = "1800s"

    # the least that Monitoring takes
    notification_rate_limit {
      period = "300s"
    }
  }

  conditions {
    display_name = "A run has ended"

    condition_matched_log {
      filter = "${local._product_logs} AND jsonPayload.event=\"run_ended\""
      label_extractors = {
        for field in ["run_id", "status", "trigger", "count", "detail"] : field => "EXTRACT(jsonPayload.${field})"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Run $${log.extracted_label.run_id} ($${log.extracted_label.trigger}) has ended: $${log.extracted_label.status}, $${log.extracted_label.count} conversions. $${log.extracted_label.detail} The console shows it under Runs and incidents."
  }
}

# what a platform refused, told with how many conversions and the first three reasons
resource "google_monitoring_alert_policy" "refused" {
  project               = var.project
  display_name          = "${local.prefix}: refused"
  severity              = "WARNING"
  combiner              = "OR"
  notification_channels = local.channels["WARNING"]

  alert_strategy {
    auto_close = "86400s"

    # the least that Monitoring takes
    notification_rate_limit {
      period = "300s"
    }
  }

  conditions {
    display_name = "A platform refused conversions"

    condition_matched_log {
      filter = "${local._product_logs} AND jsonPayload.event=\"incident\" AND jsonPayload.code=(\"rows_refused\" OR \"rows_refused_later\" OR \"rows_parked\")"
      label_extractors = {
        for field in ["code", "conversion", "detail"] : field => "EXTRACT(jsonPayload.${field})"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "$${log.extracted_label.detail} The console shows it under Runs and incidents, and each conversion in the ledger of its destination."
  }
}

resource "google_monitoring_alert_policy" "nothing_runs" {
  project               = var.project
  display_name          = "${local.prefix}: nothing-runs"
  severity              = "CRITICAL"
  combiner              = "OR"
  notification_channels = local.channels["CRITICAL"]

  alert_strategy {
    auto_close = "86400s"
  }

  conditions {
    display_name = "No sign of life of the hourly watchdog in three hours"

    condition_absent {
      filter   = local._events["watchdogs"]
      duration = local.dead_man

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Is the scheduler job ${local.prefix}-hourly-watchdog enabled, and does the function materialize start? Daily runs that are missed are reported by the watchdog itself, as incidents with the code stale."
  }
}
