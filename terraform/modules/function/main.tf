resource "google_service_account" "this" {
  project      = var.project
  account_id   = var.account_id
  display_name = var.name
  description  = var.description
}

resource "google_cloudfunctions2_function" "this" {
  project     = var.project
  location    = var.region
  name        = var.name
  description = var.description

  build_config {
    runtime         = var.runtime
    entry_point     = var.entry_point
    service_account = var.build_service_account

    source {
      storage_source {
        bucket = var.bundle.bucket
        object = var.bundle.object
      }
    }
  }

  service_config {
    available_memory                 = var.resources.memory
    available_cpu                    = var.resources.cpu
    max_instance_request_concurrency = var.resources.concurrency
    max_instance_count               = var.resources.max_instances
    min_instance_count               = 0
    timeout_seconds                  = var.resources.timeout_seconds
    ingress_settings                 = var.ingress
    service_account_email            = google_service_account.this.email
    vpc_connector                    = try(var.vpc.connector, null)
    vpc_connector_egress_settings    = try(var.vpc.egress, null)
    # functions-framework starts 4 threads per processor unless told, however many requests come in
    environment_variables = merge(var.environment_variables, { THREADS = tostring(var.resources.concurrency) })
  }
}

resource "google_cloud_run_v2_service_iam_member" "invokers" {
  for_each = var.invokers

  project  = var.project
  location = var.region
  name     = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = each.value
}
