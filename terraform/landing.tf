# GA4 logs what became of each day's export. A sink in its project forwards that to the topic runs, so
# that a day is counted on its first morning; the schedule stays as the fallback.
locals {
  _ga4_projects = var.ga4_log_sinks ? toset([for dataset in var.ga4_datasets : split(".", dataset)[0]]) : toset([])
}

resource "google_logging_project_sink" "ga4_exports" {
  for_each = local._ga4_projects

  project     = each.key
  name        = "${local.prefix}-ga4-exports"
  description = "Tells ${local.prefix} that GA4 has exported a day."
  destination = "pubsub.googleapis.com/${google_pubsub_topic.topics["runs"].id}"
  filter      = "log_id(\"analyticsdata.googleapis.com/bigquery_daily_export_status\")"

  unique_writer_identity = true

  depends_on = [google_project_service.apis]
}

resource "google_pubsub_topic_iam_member" "ga4_exports" {
  for_each = google_logging_project_sink.ga4_exports

  project = var.project
  topic   = google_pubsub_topic.topics["runs"].name
  role    = "roles/pubsub.publisher"
  member  = each.value.writer_identity
}
