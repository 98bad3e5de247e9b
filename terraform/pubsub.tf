locals {
  # Pub/Sub acts as this account when it pushes, and when it moves a message to the dead letters
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  longest_push_seconds = 600
  week                 = "604800s"
  month                = "2678400s"
}

resource "google_pubsub_topic" "topics" {
  for_each = toset(local.manifest.topics)

  project      = var.project
  name         = "${local.prefix}-${each.key}"
  kms_key_name = var.kms_keys.messages

  dynamic "message_storage_policy" {
    for_each = length(var.message_regions) == 0 ? [] : [var.message_regions]

    content {
      allowed_persistence_regions = message_storage_policy.value
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_pubsub_subscription" "push" {
  for_each = local.manifest.subscriptions

  project = var.project
  name    = "${local.prefix}-${each.key}"
  topic   = google_pubsub_topic.topics[each.value.topic].id
  filter  = each.value.filter

  enable_message_ordering    = each.value.ordering
  ack_deadline_seconds       = local.longest_push_seconds
  message_retention_duration = local.week

  push_config {
    # with this path functions-framework names the topic as the event's source
    push_endpoint = "${module.function[each.value.function].uri}/${google_pubsub_topic.topics[each.value.topic].id}"

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = module.function[each.value.function].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic = google_pubsub_topic.dead_letters.id
    # busy instances answer 429, which counts: tests/local/test_capacity.py shows what load takes
    max_delivery_attempts = 30
  }

  # a subscription that nothing reaches for a month would be deleted
  expiration_policy {
    ttl = ""
  }

  lifecycle {
    precondition {
      condition     = local.functions[each.value.function].trigger == "push"
      error_message = "Subscription ${each.key} pushes to ${each.value.function}, whose trigger in functions/manifest.json is not push."
    }

    precondition {
      condition     = local.functions[each.value.function].timeout_seconds + 60 <= local.longest_push_seconds
      error_message = "${each.value.function} may run longer than Pub/Sub waits for a push (600 s): a message would be delivered again while it is still worked on."
    }
  }
}

resource "google_pubsub_topic" "dead_letters" {
  project      = var.project
  name         = "${local.prefix}-dead-letters"
  kms_key_name = var.kms_keys.messages

  dynamic "message_storage_policy" {
    for_each = length(var.message_regions) == 0 ? [] : [var.message_regions]

    content {
      allowed_persistence_regions = message_storage_policy.value
    }
  }

  depends_on = [google_project_service.apis]
}

# a topic without a subscription keeps nothing
resource "google_pubsub_subscription" "dead_letters" {
  project = var.project
  name    = "${local.prefix}-dead-letters"
  topic   = google_pubsub_topic.dead_letters.id

  ack_deadline_seconds       = 60
  message_retention_duration = local.month

  expiration_policy {
    ttl = ""
  }
}

# the identity of every push; may call the push functions and nothing else
resource "google_service_account" "push" {
  project      = var.project
  account_id   = "${local.account_prefix}-push"
  display_name = "conversions ${var.environment}: delivers messages to the functions"

  depends_on = [google_project_service.apis]
}

resource "google_service_account_iam_member" "pubsub_signs_as_push" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent

  # Google makes the agent when the project first uses Pub/Sub; a grant to nobody fails
  depends_on = [google_pubsub_topic.topics]
}

resource "google_pubsub_topic_iam_member" "pubsub_writes_dead_letters" {
  project = var.project
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

# forwarding a message means acknowledging it at its source
resource "google_pubsub_subscription_iam_member" "pubsub_forwards_dead_letters" {
  for_each = local.manifest.subscriptions

  project      = var.project
  subscription = google_pubsub_subscription.push[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
