locals {
  repository = "${path.module}/.."

  # the deployed shape: read here and by the local run, so that the two cannot drift apart
  manifest  = jsondecode(file("${local.repository}/functions/manifest.json"))
  functions = { for name, function in local.manifest.functions : name => function if function.trigger != "page" }

  prefix  = "conversions-${var.environment}"
  dataset = "conversions_${var.environment}"

  # the id of an account has 30 characters at most, and the longest name takes 14
  account_prefix = "conv-${var.environment}"

  labels = merge(var.labels, { application = "conversions", environment = var.environment })

  # one variable per field of common/settings.py, and a test compares the two lists; addresses that
  # only the local run replaces are empty
  environment_variables = {
    CONVERSIONS_AUTHORIZED_VIEWS     = join(",", var.authorized_views)
    CONVERSIONS_CORS_ORIGINS         = join(",", var.cors_origins)
    CONVERSIONS_CURRENCY             = var.currency
    CONVERSIONS_DATASET              = google_bigquery_dataset.conversions.dataset_id
    CONVERSIONS_EDITORS              = join(",", var.roles.editors)
    CONVERSIONS_FUNCTION_URLS        = ""
    CONVERSIONS_GA4_DATASETS         = join(",", var.ga4_datasets)
    CONVERSIONS_GA4_STREAMING        = tostring(var.ga4_streaming)
    CONVERSIONS_IAP_AUDIENCE         = local.iap_audience
    CONVERSIONS_LOCAL_USER           = ""
    CONVERSIONS_LOCATION             = var.location
    CONVERSIONS_MAXIMUM_BYTES_BILLED = format("%d", var.maximum_bytes_billed)
    CONVERSIONS_OPERATORS            = join(",", var.roles.operators)
    CONVERSIONS_PLATFORM_ENDPOINTS   = ""
    CONVERSIONS_PRICE_PER_SLOT_HOUR  = tostring(var.price_per_slot_hour)
    CONVERSIONS_PRICE_PER_TEBIBYTE   = tostring(var.price_per_tebibyte)
    CONVERSIONS_PROJECT              = var.project
    CONVERSIONS_RATES_TABLE          = var.rates_table
    CONVERSIONS_SCHEDULER_ENDPOINT   = ""
    CONVERSIONS_SCHEDULER_LOCATION   = var.region
    CONVERSIONS_SLOTS                = tostring(var.slots)
    CONVERSIONS_SOURCE_DATASETS      = join(",", var.source_datasets)
    CONVERSIONS_SQL_RUNNER           = join("", google_service_account.sql_runner[*].email)
    CONVERSIONS_STAGING_DATASET      = google_bigquery_dataset.staging.dataset_id
    CONVERSIONS_TIMEZONE             = var.timezone
    CONVERSIONS_TOKEN_AUDIENCE       = var.token_audience
    CONVERSIONS_TOKEN_DOMAIN         = var.token_domain
    CONVERSIONS_TOPIC_MATERIALIZED   = google_pubsub_topic.topics["materialized"].name
    CONVERSIONS_TOPIC_RUNS           = google_pubsub_topic.topics["runs"].name
    CONVERSIONS_TOPIC_TASKS          = google_pubsub_topic.topics["tasks"].name
    CONVERSIONS_VIEWERS              = join(",", var.roles.viewers)
  }
}
