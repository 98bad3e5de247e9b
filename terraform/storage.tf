resource "google_storage_bucket" "bundles" {
  project  = var.project
  name     = "${var.project}-${local.prefix}-bundles"
  location = var.region

  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true
  force_destroy               = true

  dynamic "encryption" {
    for_each = var.kms_keys.code == null ? [] : [var.kms_keys.code]

    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_project_service.apis]
}

# one for each folder of code; functions may share one
module "bundle" {
  source   = "./modules/bundle"
  for_each = toset(concat([for function in local.functions : function.source], local.has_console ? [local._page.source] : []))

  folder       = each.key
  entry_points = sort([for function in local.manifest.functions : function.entry_point if function.source == each.key])
  repository   = local.repository
  bucket       = google_storage_bucket.bundles.name
}
