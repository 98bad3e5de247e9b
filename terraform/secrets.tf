# Containers only: values are added with gcloud, so that no state file ever holds one. A destination
# names its secret by the reference in the output secret_references, and reads it when it sends.
resource "google_secret_manager_secret" "export" {
  for_each = var.export_secrets

  project             = var.project
  secret_id           = "${local.prefix}-${each.key}"
  deletion_protection = var.deletion_protection

  replication {
    dynamic "auto" {
      for_each = length(var.secret_regions) == 0 ? [true] : []

      content {}
    }

    dynamic "user_managed" {
      for_each = length(var.secret_regions) == 0 ? [] : [true]

      content {
        dynamic "replicas" {
          for_each = var.secret_regions

          content {
            location = replicas.value
          }
        }
      }
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_secret_manager_secret_iam_member" "export" {
  for_each = {
    for pair in setproduct(var.export_secrets, [for name, access in local.access : name if access.reads_secrets]) :
    join("/", pair) => { secret = pair[0], function = pair[1] }
  }

  project   = var.project
  secret_id = google_secret_manager_secret.export[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.members[each.value.function]
}
