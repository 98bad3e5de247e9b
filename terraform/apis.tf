resource "google_project_service" "apis" {
  for_each = toset(concat([
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "datamanager.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
    ],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
    length(var.console_members) == 0 ? [] : ["iap.googleapis.com"],
    var.daily_query_tebibytes == null ? [] : ["cloudquotas.googleapis.com"],
  ))

  project = var.project
  service = each.key

  # other systems of the project may use the API too
  disable_on_destroy = false
}

data "google_project" "this" {
  project_id = var.project
}
