# Who may read the customer's data, and who may call the functions.

mock_provider "google" {
  override_during = plan

  mock_resource "google_service_account" {
    defaults = {
      email  = "account@shop-conversions.iam.gserviceaccount.com"
      member = "serviceAccount:account@shop-conversions.iam.gserviceaccount.com"
      name   = "projects/shop-conversions/serviceAccounts/account@shop-conversions.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_cloudfunctions2_function" {
    defaults = {
      service_config = {
        uri = "https://function.example.run.app"
      }
    }
  }
}

mock_provider "archive" {}

variables {
  project         = "shop-conversions"
  environment     = "test"
  region          = "europe-west1"
  location        = "EU"
  timezone        = "Europe/London"
  currency        = "GBP"
  ga4_datasets    = ["shop-conversions.analytics_1"]
  source_datasets = ["shop-crm.hubspot"]
}

run "the_owner_of_a_crm_project_is_told_what_to_grant" {
  command = plan

  assert {
    condition     = contains(output.access_to_grant, "bq query --use_legacy_sql=false --project_id=shop-crm 'GRANT `roles/bigquery.dataViewer` ON SCHEMA `shop-crm.hubspot` TO \"serviceAccount:account@shop-conversions.iam.gserviceaccount.com\"'")
    error_message = "access_to_grant does not name BigQuery Data Viewer on shop-crm.hubspot."
  }

  assert {
    condition     = length([for grant in google_bigquery_dataset_iam_member.sources : grant if grant.project == "shop-crm"]) == 0
    error_message = "Terraform grants in a project that is not one of crm_projects."
  }

  assert {
    condition     = startswith(output.curl["api"], "curl -H \"Authorization: Bearer ")
    error_message = "The curl line of the API carries no token."
  }

  assert {
    condition     = length(output.endpoints) == length([for function in local.functions : function if function.trigger == "http"])
    error_message = "endpoints lists something else than the HTTP functions."
  }
}

run "in_crm_projects_terraform_grants_itself" {
  command = plan

  variables {
    crm_projects = ["shop-crm"]
  }

  assert {
    condition     = length(output.access_to_grant) == 0
    error_message = "The owner of shop-crm is asked for what Terraform has granted."
  }

  assert {
    condition     = toset([for grant in google_bigquery_dataset_iam_member.sources : "${grant.role} ${grant.dataset_id}" if grant.project == "shop-crm"]) == toset(["roles/bigquery.dataViewer hubspot"])
    error_message = "Readers need BigQuery Data Viewer on the datasets of a CRM's project, and nothing else there."
  }
}

run "who_converts_money_reads_the_rates" {
  command = plan

  variables {
    rates_table = "shop-conversions.finance.rates"
  }

  assert {
    condition     = toset([for key, grant in google_bigquery_dataset_iam_member.sources : split("/", key)[0] if grant.dataset_id == "finance"]) == toset(["api", "materialize", "score-leads"])
    error_message = "The functions whose statements convert money may not read the exchange rates, or others may."
  }
}

run "a_dataset_of_ga4_and_the_crm_at_once_is_granted_once" {
  command = plan

  variables {
    source_datasets = ["shop-conversions.analytics_1"]
  }

  assert {
    condition     = toset([for key, grant in google_bigquery_dataset_iam_member.sources : split("/", key)[0]]) == toset(["api", "materialize", "score-leads", "sql-runner", "validate-sql"])
    error_message = "Somebody cannot read the only source."
  }
}

run "the_frontend_may_own_the_daily_run" {
  command = plan

  variables {
    schedules = { daily-run = null }
  }

  assert {
    condition     = toset(keys(google_cloud_scheduler_job.schedules)) == toset(["hourly-export", "hourly-watchdog"])
    error_message = "Terraform makes a daily run beside the frontend's, or left out another schedule."
  }
}

run "without_a_runner_the_functions_read_the_sources_themselves" {
  command = plan

  variables {
    sql_runner_impersonation = false
  }

  assert {
    condition     = length(google_service_account.sql_runner) == 0 && length(google_service_account_iam_member.impersonates_sql_runner) == 0
    error_message = "There is an account to impersonate although nobody does."
  }

  assert {
    condition     = local.environment_variables.CONVERSIONS_SQL_RUNNER == ""
    error_message = "The functions are told of a runner that does not exist."
  }
}

run "a_browser_may_call_http_functions_only" {
  command = plan

  variables {
    allow_unauthenticated = true
    token_audience        = "123-abc.apps.googleusercontent.com"
    token_domain          = "shop.example"
  }

  assert {
    condition     = contains(keys(module.function["api"].invokers), "everyone") && !contains(keys(module.function["export"].invokers), "everyone")
    error_message = "allUsers may call a push function, or may not call the API."
  }
}
