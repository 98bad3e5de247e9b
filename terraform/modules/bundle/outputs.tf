output "location" {
  description = "Where the zip lies in Cloud Storage."
  value = {
    bucket = google_storage_bucket_object.this.bucket
    object = google_storage_bucket_object.this.name
  }
}
