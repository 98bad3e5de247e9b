# jobs that the frontend makes for single conversions have another prefix and belong to the API
resource "google_cloud_scheduler_job" "schedules" {
  for_each = { for name, schedule in local.manifest.schedules : name => schedule if lookup(var.schedules, name, schedule.cron) != null }

  project     = var.project
  region      = var.region
  name        = "${local.prefix}-${each.key}"
  description = each.value.description
  schedule    = lookup(var.schedules, each.key, each.value.cron)
  time_zone   = var.timezone

  pubsub_target {
    topic_name = google_pubsub_topic.topics[each.value.topic].id
    data       = base64encode(jsonencode(each.value.message))
    attributes = each.value.attributes
  }

  retry_config {
    retry_count = 3
  }
}
