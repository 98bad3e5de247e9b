locals {
  sources = toset([for function in local.functions : function.source])

  _common_files = setsubtract(
    fileset(local.repository, "common/**/*.{py,sql,json,yaml}"),
    fileset(local.repository, "common/local/**"),
  )

  # zip path => content, one map per source folder; paths are those of the repository
  bundles = {
    for source in local.sources : source => merge(
      {
        for path in setunion(local._common_files, fileset(local.repository, "functions/${source}/**/*.{py,sql,json,yaml}")) :
        path => file("${local.repository}/${path}")
      },
      {
        # the platform loads main.py of the root, and only the root is on its path
        "main.py"          = "from functions.${source}.main import ${join(", ", local._entry_points[source])}\n"
        "requirements.txt" = file("${local.repository}/functions/${source}/requirements.txt")
      },
    )
  }

  _entry_points = {
    for source in local.sources :
    source => sort([for function in local.functions : function.entry_point if function.source == source])
  }
}

resource "google_storage_bucket" "bundles" {
  project  = var.project
  name     = "${var.project}-${local.prefix}-bundles"
  location = var.region

  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  depends_on = [google_project_service.apis]
}

data "archive_file" "bundles" {
  for_each = local.sources

  type        = "zip"
  output_path = "${path.module}/.terraform/bundles/${each.key}.zip"

  dynamic "source" {
    for_each = local.bundles[each.key]

    content {
      filename = source.key
      content  = source.value
    }
  }
}

# the name holds the hash of the content, so that changed code, and only changed code, is deployed
resource "google_storage_bucket_object" "bundles" {
  for_each = local.sources

  bucket = google_storage_bucket.bundles.name
  name   = "${each.key}-${data.archive_file.bundles[each.key].output_sha256}.zip"
  source = data.archive_file.bundles[each.key].output_path
}
