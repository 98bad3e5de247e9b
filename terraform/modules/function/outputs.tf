output "email" {
  description = "E-mail of the function's service account."
  value       = google_service_account.this.email
}

output "invokers" {
  description = "Who may call the function, by a name of our own."
  value       = { for name, grant in google_cloud_run_v2_service_iam_member.invokers : name => grant.member }
}

output "member" {
  description = "The function's service account as an IAM member."
  value       = google_service_account.this.member
}

output "name" {
  description = "Name of the function, and of the Cloud Run service that runs it."
  value       = google_cloudfunctions2_function.this.name
}

output "uri" {
  description = "Address of the function, and audience of the ID tokens it accepts."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}
