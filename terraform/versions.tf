terraform {
  # 1.11 lets terraform test mock what a plan would not know yet
  required_version = ">= 1.11, < 2.0"

  required_providers {
    google = {
      source = "hashicorp/google"
      # before 7.45 an update of a dataset overwrote the grants of google_bigquery_dataset_iam_member
      version = ">= 7.45.0, < 9.0.0"
    }
    archive = {
      source  = "hashicorp/archive"
      version = "~> 2.4"
    }
  }

  # one state per environment: terraform init -backend-config=envs/<environment>.gcs.tfbackend
  backend "gcs" {}
}

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = local.labels

  # budgets and quotas are billed to a project when a person, not a service account, deploys
  billing_project       = var.project
  user_project_override = true
}
