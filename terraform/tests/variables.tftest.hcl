# Wrong variables are refused before anything is made, and say what is wrong.

mock_provider "google" {}
mock_provider "archive" {}

variables {
  project      = "shop-conversions"
  environment  = "test"
  region       = "europe-west1"
  location     = "EU"
  timezone     = "Europe/London"
  currency     = "GBP"
  ga4_datasets = ["shop-conversions.analytics_1"]
}

run "a_wildcard_is_no_origin" {
  command = plan

  variables {
    cors_origins = ["*"]
  }

  expect_failures = [var.cors_origins]
}

run "open_functions_must_verify_their_users" {
  command = plan

  variables {
    allow_unauthenticated = true
  }

  expect_failures = [var.allow_unauthenticated]
}

run "all_users_are_not_an_invoker" {
  command = plan

  variables {
    http_invokers = ["allUsers"]
  }

  expect_failures = [var.http_invokers]
}

run "a_schedule_must_exist" {
  command = plan

  variables {
    schedules = { nightly = "0 1 * * *" }
  }

  expect_failures = [var.schedules]
}

run "a_dataset_needs_its_project" {
  command = plan

  variables {
    ga4_datasets = ["analytics_1"]
  }

  expect_failures = [var.ga4_datasets]
}

run "several_mistakes_are_told_at_once" {
  command = plan

  variables {
    currency              = "pounds"
    timezone              = "London"
    environment           = "Production-1"
    maximum_bytes_billed  = 1
    daily_query_tebibytes = 0
    crm_projects          = ["shop-conversions"]
    crm_publishers        = ["loader@shop-crm.iam.gserviceaccount.com"]
    http_invokers         = ["frontend"]
    labels                = { Team = "data" }
    location              = "Europe"
    price_per_slot_hour   = -1
    price_per_tebibyte    = -1
    rates_table           = "rates"
    runtime               = "3.11"
    schedules             = { daily-run = "30 5 * *" }
    slots                 = 0.5
  }

  expect_failures = [
    var.currency,
    var.timezone,
    var.environment,
    var.maximum_bytes_billed,
    var.daily_query_tebibytes,
    var.crm_projects,
    var.crm_publishers,
    var.http_invokers,
    var.labels,
    var.location,
    var.price_per_slot_hour,
    var.price_per_tebibyte,
    var.rates_table,
    var.runtime,
    var.schedules,
    var.slots,
  ]
}
