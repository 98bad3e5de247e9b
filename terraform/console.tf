# The page, one Cloud Run service behind Identity-Aware Proxy. It is no Cloud Function: those have no
# switch for the proxy, and one set under Terraform's hands would be taken away again.
# https://cloud.google.com/run/docs/securing/identity-aware-proxy-cloud-run
locals {
  _page        = local.manifest.functions.console
  has_console  = length(var.console_members) > 0
  console_name = "${local.prefix}-console"
  _image       = join("", [for repository in google_artifact_registry_repository.console : "${repository.location}-docker.pkg.dev/${repository.project}/${repository.repository_id}/page"])

  # what the proxy writes into its assertions, and the functions behind the page demand
  # https://cloud.google.com/iap/docs/signed-headers-howto
  _proxy_audience = "/projects/${data.google_project.this.number}/locations/${var.region}/services/${local.console_name}"
  iap_audience    = var.iap_audience == "" && local.has_console ? local._proxy_audience : var.iap_audience
}

resource "google_service_account" "console" {
  count = local.has_console ? 1 : 0

  project      = var.project
  account_id   = "${local.account_prefix}-console"
  display_name = local.console_name
  description  = local._page.description

  depends_on = [google_project_service.apis]
}

# where the build puts the page's image: functions bring a repository of their own, services do not
resource "google_artifact_registry_repository" "console" {
  count = local.has_console ? 1 : 0

  project       = var.project
  location      = var.region
  repository_id = local.console_name
  description   = "Images of the console."
  format        = "DOCKER"
  kms_key_name  = var.kms_keys.code

  depends_on = [google_project_service.apis]
}

resource "google_cloud_run_v2_service" "console" {
  count = local.has_console ? 1 : 0

  project             = var.project
  location            = var.region
  name                = local.console_name
  description         = local._page.description
  ingress             = "INGRESS_TRAFFIC_ALL"
  iap_enabled         = true
  deletion_protection = false

  build_config {
    source_location = "gs://${module.bundle[local._page.source].location.bucket}/${module.bundle[local._page.source].location.object}"
    function_target = local._page.entry_point
    # as `gcloud run deploy --function --base-image` names it; not tried against Google
    base_image      = "${var.region}-docker.pkg.dev/serverless-runtimes/google-22-full/runtimes/${var.runtime}"
    image_uri       = local._image
    service_account = google_service_account.build.id
  }

  template {
    service_account                  = google_service_account.console[0].email
    timeout                          = "${local._page.timeout_seconds}s"
    max_instance_request_concurrency = local._page.concurrency

    scaling {
      max_instance_count = local._page.max_instances
    }

    containers {
      image = local._image

      resources {
        limits = { cpu = local._page.cpu, memory = local._page.memory }
      }

      dynamic "env" {
        for_each = merge(local.environment_variables, {
          CONVERSIONS_FUNCTION_URLS = join(",", [for name, function in local.functions : "${name}=${module.function[name].uri}" if function.trigger == "http"])
        })

        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists("${local.repository}/functions/console/dist/index.html")
      error_message = "The console has not been built: run `make console`, then plan again."
    }
  }

  depends_on = [google_project_iam_member.build]
}

# the proxy calls the service; nobody else may
resource "google_cloud_run_v2_service_iam_member" "proxy" {
  count = local.has_console ? 1 : 0

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.console[0].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-iap.iam.gserviceaccount.com"
}

# who may open the page; what they may do there, the roles say
resource "google_iap_web_cloud_run_service_iam_member" "members" {
  for_each = var.console_members

  # with the project's id the provider finds nothing (terraform-provider-google issue 23092)
  project                = data.google_project.this.number
  location               = var.region
  cloud_run_service_name = google_cloud_run_v2_service.console[0].name
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.key
}
