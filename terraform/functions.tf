locals {
  _push_invoker  = { push = google_service_account.push.member }
  _http_invokers = merge({ for member in var.http_invokers : member => member }, { for account in google_service_account.console : "console" => account.member }, var.allow_unauthenticated ? { everyone = "allUsers" } : {})
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name        = "${local.prefix}-${each.key}"
  account_id  = "${local.account_prefix}-${each.key}"
  description = each.value.description
  project     = var.project
  region      = var.region

  runtime               = var.runtime
  entry_point           = each.value.entry_point
  build_service_account = google_service_account.build.name
  bundle                = module.bundle[each.value.source].location

  resources = {
    memory          = each.value.memory
    cpu             = each.value.cpu
    concurrency     = each.value.concurrency
    max_instances   = each.value.max_instances
    timeout_seconds = each.value.timeout_seconds
  }

  environment_variables = local.environment_variables
  vpc                   = var.vpc

  ingress  = each.value.trigger == "push" ? "ALLOW_INTERNAL_ONLY" : "ALLOW_ALL"
  invokers = each.value.trigger == "push" ? local._push_invoker : local._http_invokers

  depends_on = [google_project_iam_member.build]
}

# builds the bundles into containers; the functions themselves cannot
resource "google_service_account" "build" {
  project      = var.project
  account_id   = "${local.account_prefix}-build"
  display_name = "conversions ${var.environment}: builds the functions"

  depends_on = [google_project_service.apis]
}

# the sources are copied to a bucket that does not exist before the first build, so the grants
# cannot be narrower than the project
resource "google_project_iam_member" "build" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter", "roles/storage.objectViewer"])

  project = var.project
  role    = each.key
  member  = google_service_account.build.member
}
