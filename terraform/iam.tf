locals {
  # What each function may do, and no more: `dataset` is its role on the dataset of conversions,
  # `writes` names tables that it changes although it only reads the rest.
  access = {
    validate-sql = {
      dataset       = "roles/bigquery.dataViewer"
      writes        = []
      staging       = false
      reads_sources = true
      impersonates  = true
      publishes     = []
      schedules     = false
    }
    api = {
      dataset       = "roles/bigquery.dataViewer"
      writes        = ["definitions", "erasures", "incidents", "runs"]
      staging       = false
      reads_sources = true
      impersonates  = true
      publishes     = ["runs"]
      schedules     = true
    }
    materialize = {
      dataset       = "roles/bigquery.dataEditor"
      writes        = []
      staging       = true
      reads_sources = true
      impersonates  = true
      publishes     = ["runs", "tasks", "materialized"]
      schedules     = false
    }
    score-leads = {
      dataset       = "roles/bigquery.dataEditor"
      writes        = []
      staging       = true
      reads_sources = true
      impersonates  = true
      publishes     = ["tasks"]
      schedules     = false
    }
    export = {
      dataset       = "roles/bigquery.dataViewer"
      writes        = ["incidents"]
      staging       = false
      reads_sources = false
      impersonates  = false
      publishes     = ["materialized"]
      schedules     = false
    }
    export-preview = {
      dataset       = "roles/bigquery.dataViewer"
      writes        = []
      staging       = false
      reads_sources = false
      impersonates  = false
      publishes     = ["materialized"]
      schedules     = false
    }
  }

  members = { for name, function in module.function : name => function.member }

  # the reading accounts: the functions that need GA4 or CRM data, and the runner of users' SQL
  readers = merge(
    { for name, access in local.access : name => local.members[name] if access.reads_sources },
    var.sql_runner_impersonation ? { sql-runner = google_service_account.sql_runner[0].member } : {},
  )

  _rates_dataset = var.rates_table == "" ? [] : [join(".", slice(split(".", var.rates_table), 0, 2))]
  _sources       = setunion(var.ga4_datasets, var.source_datasets, local._rates_dataset)
  _own_sources   = [for path in local._sources : split(".", path)[1] if startswith(path, "${var.project}.")]

  # sources of other projects: granted by Terraform in crm_projects, by their owners elsewhere
  _foreign_projects = setunion([for path in local._sources : split(".", path)[0] if !startswith(path, "${var.project}.")], var.crm_projects)
  _foreign_roles    = ["roles/bigquery.dataViewer", "roles/bigquery.user"]
}

check "access_is_declared" {
  assert {
    condition     = toset(keys(local.access)) == toset(keys(local.functions))
    error_message = "local.access in iam.tf and functions/manifest.json name different functions."
  }
}

resource "google_project_iam_member" "runs_jobs" {
  for_each = merge(local.members, var.sql_runner_impersonation ? { sql-runner = google_service_account.sql_runner[0].member } : {})

  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = each.value
}

resource "google_bigquery_dataset_iam_member" "conversions" {
  for_each = local.access

  project    = var.project
  dataset_id = google_bigquery_dataset.conversions.dataset_id
  role       = each.value.dataset
  member     = local.members[each.key]
}

resource "google_bigquery_table_iam_member" "writes" {
  for_each = merge([
    for name, access in local.access : {
      for table in access.writes : "${name}/${table}" => { function = name, table = table }
    }
  ]...)

  project    = var.project
  dataset_id = google_bigquery_dataset.conversions.dataset_id
  table_id   = google_bigquery_table.tables[each.value.table].table_id
  role       = "roles/bigquery.dataEditor"
  member     = local.members[each.value.function]
}

resource "google_bigquery_dataset_iam_member" "staging" {
  for_each = merge(
    { for name, access in local.access : name => local.members[name] if access.staging },
    var.sql_runner_impersonation ? { sql-runner = google_service_account.sql_runner[0].member } : {},
  )

  project    = var.project
  dataset_id = google_bigquery_dataset.staging.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = each.value
}

resource "google_bigquery_dataset_iam_member" "sources" {
  for_each = {
    for pair in setproduct(local._own_sources, keys(local.readers)) : "${pair[1]}/${pair[0]}" => { dataset = pair[0], reader = pair[1] }
  }

  project    = var.project
  dataset_id = each.value.dataset
  role       = "roles/bigquery.dataViewer"
  member     = local.readers[each.value.reader]
}

resource "google_project_iam_member" "crm" {
  for_each = {
    for grant in setproduct(var.crm_projects, keys(local.readers), local._foreign_roles) :
    "${grant[0]}/${grant[1]}/${grant[2]}" => { project = grant[0], reader = grant[1], role = grant[2] }
  }

  project = each.value.project
  role    = each.value.role
  member  = local.readers[each.value.reader]
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = merge([
    for name, access in local.access : {
      for topic in access.publishes : "${name}/${topic}" => { function = name, topic = topic }
    }
  ]...)

  project = var.project
  topic   = google_pubsub_topic.topics[each.value.topic].name
  role    = "roles/pubsub.publisher"
  member  = local.members[each.value.function]
}

resource "google_pubsub_topic_iam_member" "crm_loaders" {
  for_each = var.crm_publishers

  project = var.project
  topic   = google_pubsub_topic.topics["crm-loads"].name
  role    = "roles/pubsub.publisher"
  member  = each.key
}

# the frontend can give a conversion a schedule of its own, which is a job that the API makes
resource "google_project_iam_member" "schedules" {
  for_each = toset([for name, access in local.access : name if access.schedules])

  project = var.project
  role    = "roles/cloudscheduler.admin"
  member  = local.members[each.key]
}

# users' SQL runs as this account: whatever slipped through the guard could still write nowhere
# but to staging
resource "google_service_account" "sql_runner" {
  count = var.sql_runner_impersonation ? 1 : 0

  project      = var.project
  account_id   = "${var.environment}-sql-runner"
  display_name = "conversions ${var.environment}: runs users' SQL"

  depends_on = [google_project_service.apis]
}

resource "google_service_account_iam_member" "impersonates_sql_runner" {
  for_each = var.sql_runner_impersonation ? toset([for name, access in local.access : name if access.impersonates]) : toset([])

  service_account_id = google_service_account.sql_runner[0].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.members[each.key]
}
