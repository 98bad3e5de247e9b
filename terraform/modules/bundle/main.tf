locals {
  # the local engine stays at home
  _code = setunion(
    setsubtract(
      fileset(var.repository, "common/**/*.{py,sql,json,yaml}"),
      fileset(var.repository, "common/local/**"),
    ),
    setsubtract(
      fileset(var.repository, "functions/${var.folder}/**/*.{py,sql,json,yaml}"),
      fileset(var.repository, "functions/${var.folder}/web/**"),
    ),
    # of a page what was built, not its sources
    fileset(var.repository, "functions/${var.folder}/dist/**"),
  )

  # path in the zip => content; paths are those of the repository
  files = merge(
    { for path in local._code : path => file("${var.repository}/${path}") },
    {
      # the platform loads main.py of the root, and only the root is on its path
      "main.py"          = "from functions.${var.folder}.main import ${join(", ", var.entry_points)}\n"
      "requirements.txt" = file("${var.repository}/functions/${var.folder}/requirements.txt")
    },
  )
}

data "archive_file" "this" {
  type        = "zip"
  output_path = "${path.root}/.terraform/bundles/${var.folder}.zip"

  dynamic "source" {
    for_each = local.files

    content {
      filename = source.key
      content  = source.value
    }
  }
}

# the name holds the hash of the content, so that changed code, and only changed code, is deployed
resource "google_storage_bucket_object" "this" {
  bucket = var.bucket
  name   = "${var.folder}-${data.archive_file.this.output_sha256}.zip"
  source = data.archive_file.this.output_path
}
