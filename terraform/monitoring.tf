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
      labels      = ["code", "conversion"]
    }
    runs = {
      description = "Entries of the run ledger by status."
      filter      = "jsonPayload.event=\"run\""
      labels      = ["status"]
    }
  }

  channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  # the longest absence that Cloud Monitoring can watch for, so the planner's watchdog looks after
  # single conversions
  longest_absence = "84600s"
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  project      = var.project
  display_name = "conversions ${var.environment}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }

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
    value_type  = "INT64"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key = labels.value
      }
    }
  }

  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  depends_on = [google_project_service.apis]
}

locals {
  _events = { for key, metric in google_logging_metric.events : key => "metric.type=\"logging.googleapis.com/user/${metric.name}\" AND resource.type=\"cloud_run_revision\"" }

  # each alert: one series above a threshold, or silence where there should be a sound
  alerts = {
    incident = {
      severity  = "ERROR"
      summary   = "An incident was reported"
      advice    = "The API's incidents list says what happened and what to do next."
      filter    = "${local._events["incidents"]} AND metric.label.code!=\"stale\""
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
      summary   = "A message was given up after ten deliveries"
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
  notification_channels = local.channels

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

resource "google_monitoring_alert_policy" "nothing_runs" {
  project               = var.project
  display_name          = "${local.prefix}: nothing-runs"
  severity              = "CRITICAL"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "No run in 23.5 hours"

    condition_absent {
      filter   = local._events["runs"]
      duration = local.longest_absence

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Is the scheduler job ${local.prefix}-daily-run, or the one that the frontend made for it, enabled, and does the function materialize start?"
  }
}
