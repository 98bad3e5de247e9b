locals {
  # conversion.json is the shape of many tables and contract.json that of a query; neither is a table
  shapes = {
    for file in setsubtract(fileset("${local.repository}/common/schemas", "*.json"), ["contract.json", "conversion.json"]) :
    trimsuffix(file, ".json") => jsondecode(file("${local.repository}/common/schemas/${file}"))
  }

  # leases lie in several tables, because BigQuery's limits of changes count for each table
  buckets = {
    for name, shape in local.shapes :
    name => [for number in range(try(shape.buckets, 1)) : number == 0 ? name : "${name}_${number}"]
  }
  tables = merge([
    for name, shape in local.shapes : { for table in local.buckets[name] : table => shape }
  ]...)

  week_in_milliseconds = 604800000
}

resource "google_bigquery_dataset" "conversions" {
  project       = var.project
  dataset_id    = local.dataset
  location      = var.location
  friendly_name = "Conversions (${var.environment})"
  description   = "Conversions, their history and their ledgers. Tables conversion_<id> are made by the product."

  # the product makes tables that Terraform does not know: without this a destroy stops half-way
  delete_contents_on_destroy = !var.deletion_protection

  dynamic "default_encryption_configuration" {
    for_each = var.kms_keys.data == null ? [] : [var.kms_keys.data]

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_bigquery_dataset" "staging" {
  project       = var.project
  dataset_id    = "${local.dataset}_staging"
  location      = var.location
  friendly_name = "Conversions, work in progress (${var.environment})"
  description   = "Short-lived tables of running jobs; whatever is left behind expires after a week."

  default_table_expiration_ms = local.week_in_milliseconds
  delete_contents_on_destroy  = true

  dynamic "default_encryption_configuration" {
    for_each = var.kms_keys.data == null ? [] : [var.kms_keys.data]

    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_bigquery_table" "tables" {
  for_each = local.tables

  project             = var.project
  dataset_id          = google_bigquery_dataset.conversions.dataset_id
  table_id            = each.key
  description         = each.value.description
  schema              = jsonencode(each.value.schema)
  clustering          = length(each.value.cluster) > 0 ? each.value.cluster : null
  deletion_protection = var.deletion_protection

  require_partition_filter = each.value.partition == null ? null : each.value.require_partition_filter

  dynamic "time_partitioning" {
    for_each = each.value.partition == null ? [] : [each.value.partition]

    content {
      type  = "DAY"
      field = time_partitioning.value
    }
  }

  # columns are added by operations/migrate_tables.py: Google's provider would drop those that an
  # older commit does not name, and deletion_protection does not keep it from that
  lifecycle {
    ignore_changes = [schema]
  }
}
