output "access_to_grant" {
  description = "What the owners of other projects have to run, so that the product may read their data. Empty when every source lies in this project or in crm_projects."
  value = [
    for reading in local._foreign_readings :
    "bq query --use_legacy_sql=false --project_id=${reading.path[0]} 'GRANT `roles/bigquery.dataViewer` ON SCHEMA `${join(".", reading.path)}` TO \"${local.readers[reading.reader]}\"'"
  ]
}

output "console" {
  description = "Address of the console, for those in console_members; empty when it is not deployed."
  value       = one(google_cloud_run_v2_service.console[*].uri)
}

output "crm_topic" {
  description = "Topic on which CRM loaders announce a finished load."
  value       = google_pubsub_topic.topics["crm-loads"].id
}

output "hears_of_errors" {
  description = "Channels that hear of errors; empty means that nobody does: set alert_emails or alert_channels."
  value       = local.channels["ERROR"]
}

output "curl" {
  description = "A ready line per HTTP function, for a person who may invoke it."
  value = {
    for name, function in local.functions :
    name => "curl -H \"Authorization: Bearer $(gcloud auth print-identity-token)\" -H 'Content-Type: application/json' ${module.function[name].uri}"
    if function.trigger == "http"
  }
}

output "dataset" {
  description = "Dataset of the conversions."
  value       = "${var.project}.${google_bigquery_dataset.conversions.dataset_id}"
}

output "endpoints" {
  description = "Addresses of the HTTP functions."
  value       = { for name, function in local.functions : name => module.function[name].uri if function.trigger == "http" }
}

output "readers" {
  description = "Service accounts that need BigQuery Data Viewer on the datasets of the source data; jobs run in this project only."
  value       = { for name, member in local.readers : name => trimprefix(member, "serviceAccount:") }
}

output "secret_references" {
  description = "How a destination's definition names each secret of export_secrets."
  value       = { for name, secret in google_secret_manager_secret.export : name => "secret:projects/${var.project}/secrets/${secret.secret_id}/versions/latest" }
}

output "service_accounts" {
  description = "Service account of each function."
  value       = { for name, function in module.function : name => function.email }
}
