locals {
  # What each function may do, and no more: `dataset` is its role on the dataset of conversions,
  # `writes` names tables that it changes although it only reads the rest, `reads` the sources that
  # its own statements name; what users' SQL reads comes on top.
  access = {
    validate-sql = {
      dataset       = "roles/bigquery.dataViewer"
      writes        = []
      staging       = true
      reads         = ["ga4"]
      runs_user_sql = true
      reads_secrets = false
      publishes     = []
      schedules     = false
    }
    # of the leases only the catalog's, which stands in one table (table_of in lease.py)
    api = {
      dataset       = "roles/bigquery.dataViewer"
      writes        = ["definitions", "incidents", "leases_5", "runs"]
      staging       = true
      reads         = ["ga4", "rates"]
      runs_user_sql = true
      reads_secrets = false
      publishes     = ["runs"]
      schedules     = true
    }
    materialize = {
      dataset       = "roles/bigquery.dataEditor"
      writes        = []
      staging       = true
      reads         = ["ga4", "rates"]
      runs_user_sql = true
      reads_secrets = false
      publishes     = ["runs", "tasks", "materialized"]
      schedules     = false
    }
    score-leads = {
      dataset       = "roles/bigquery.dataViewer"
      writes        = ["incidents", "lead_calibration", "lead_features", "lead_scores", "models", "runs"]
      staging       = true
      reads         = ["crm", "rates"]
      runs_user_sql = true
      reads_secrets = false
      publishes     = ["tasks"]
      schedules     = false
    }
    export = {
      dataset       = "roles/bigquery.dataViewer"
      writes        = ["audience_members", "export_attempts", "export_requests", "incidents", "leases"]
      staging       = false
      reads         = []
      runs_user_sql = false
      reads_secrets = true
      publishes     = ["materialized"]
      schedules     = false
    }
    export-preview = {
      dataset       = "roles/bigquery.dataViewer"
      writes        = ["definitions", "export_attempts", "leases"]
      staging       = false
      reads         = []
      runs_user_sql = false
      reads_secrets = true
      publishes     = ["materialized"]
      schedules     = false
    }
  }

  members  = { for name, function in module.function : name => function.member }
  runner   = { for account in google_service_account.sql_runner : "sql-runner" => account.member }
  accounts = merge(local.members, local.runner)

  _datasets = {
    crm   = var.source_datasets
    ga4   = var.ga4_datasets
    rates = var.rates_table == "" ? [] : [join(".", slice(split(".", var.rates_table), 0, 2))]
  }

  # users' SQL reads GA4 and the CRM, as its runner or as the function that runs it
  _of_users = toset(["crm", "ga4"])
  _reads = merge(
    { for name, access in local.access : name => setunion(access.reads, access.runs_user_sql && !var.sql_runner_impersonation ? local._of_users : []) },
    { for name in keys(local.runner) : name => local._of_users },
  )
  readers = { for name, reads in local._reads : name => local.accounts[name] if length(reads) > 0 }

  # one dataset may be several sources at once
  _readings = distinct(flatten([
    for reader, reads in local._reads : [
      for source in reads : [
        for dataset in local._datasets[source] : { path = split(".", dataset), reader = reader }
      ]
    ]
  ]))

  # sources of other projects are granted by Terraform in crm_projects, and by their owners elsewhere
  _granted_here = concat([var.project], tolist(var.crm_projects))
  _foreign_readings = [
    for reading in local._readings : reading if !contains(local._granted_here, reading.path[0])
  ]
}

resource "google_project_iam_member" "runs_jobs" {
  for_each = local.accounts

  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = each.value
}

resource "google_bigquery_dataset_iam_member" "conversions" {
  for_each = local.members

  project    = var.project
  dataset_id = google_bigquery_dataset.conversions.dataset_id
  role       = local.access[each.key].dataset
  member     = each.value

  lifecycle {
    precondition {
      condition     = toset(keys(local.access)) == toset(keys(local.functions))
      error_message = "local.access in iam.tf and functions/manifest.json name different functions."
    }
  }
}

resource "google_bigquery_table_iam_member" "writes" {
  for_each = merge([
    for name, access in local.access : {
      for table in flatten([for name in access.writes : try(local.buckets[name], [name])]) :
      "${name}/${table}" => { function = name, table = table }
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
    local.runner,
  )

  project    = var.project
  dataset_id = google_bigquery_dataset.staging.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = each.value
}

resource "google_bigquery_dataset_iam_member" "sources" {
  for_each = {
    for reading in local._readings : "${reading.reader}/${join(".", reading.path)}" => reading
    if contains(local._granted_here, reading.path[0])
  }

  project    = each.value.path[0]
  dataset_id = each.value.path[1]
  role       = "roles/bigquery.dataViewer"
  member     = local.readers[each.value.reader]
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
  account_id   = "${local.account_prefix}-sql-runner"
  display_name = "conversions ${var.environment}: runs users' SQL"

  depends_on = [google_project_service.apis]
}

resource "google_service_account_iam_member" "impersonates_sql_runner" {
  for_each = var.sql_runner_impersonation ? toset([for name, access in local.access : name if access.runs_user_sql]) : toset([])

  service_account_id = google_service_account.sql_runner[0].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.members[each.key]
}
