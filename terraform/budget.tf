resource "google_billing_budget" "monthly" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = local.prefix

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    # in the billing account's own currency: any other is refused
    specified_amount {
      units = tostring(var.budget.amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]

    content {
      threshold_percent = threshold_rules.value
    }
  }

  depends_on = [google_project_service.apis]
}

# what stops a runaway: past it BigQuery refuses queries until midnight Pacific time
resource "google_cloud_quotas_quota_preference" "daily_query_bytes" {
  count = var.daily_query_tebibytes == null ? 0 : 1

  parent   = "projects/${var.project}"
  name     = "bigquery-query-usage-per-day"
  service  = "bigquery.googleapis.com"
  quota_id = "QueryUsagePerDay"

  # the default is 200 TiB, and a steep decrease must be meant
  ignore_safety_checks = "QUOTA_DECREASE_PERCENTAGE_TOO_HIGH"

  # Google does not tell it back, and a second apply would ask for the decrease again
  lifecycle {
    ignore_changes = [ignore_safety_checks]
  }

  quota_config {
    # the unit is MiB
    preferred_value = tostring(floor(var.daily_query_tebibytes * 1024 * 1024))
  }

  depends_on = [google_project_service.apis]
}
