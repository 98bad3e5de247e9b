variable "alert_channels" {
  description = "Further channels by a name of your own, and the severities (INFO, WARNING, ERROR, CRITICAL) that each hears, INFO being the end of every run: type email (labels.email_address), webhook_tokenauth (labels.url), pubsub (labels.topic, on which Monitoring's agent may publish), or existing (labels.name, as of a Slack channel, which only the console can make)."
  type = map(object({
    type       = string
    labels     = map(string)
    severities = optional(set(string), ["ERROR", "CRITICAL"])
  }))
  default = {}

  validation {
    condition     = alltrue([for channel in values(var.alert_channels) : contains(["email", "webhook_tokenauth", "pubsub", "existing"], channel.type)])
    error_message = "The type of a channel is email, webhook_tokenauth, pubsub or existing."
  }

  validation {
    condition     = alltrue([for channel in values(var.alert_channels) : length(setsubtract(channel.severities, ["INFO", "WARNING", "ERROR", "CRITICAL"])) == 0])
    error_message = "The severities of a channel are INFO, WARNING, ERROR and CRITICAL."
  }
}

variable "alert_emails" {
  description = "Addresses to which errors are mailed; warnings go to alert_channels alone."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "Each of alert_emails must be an e-mail address."
  }
}

variable "allow_unauthenticated" {
  description = "Lets browsers call the HTTP functions directly; the functions then verify end users' ID tokens themselves, so token_audience must be set."
  type        = bool
  default     = false

  validation {
    condition     = !var.allow_unauthenticated || var.token_audience != ""
    error_message = "Functions that anyone may call must verify their users: set token_audience to the OAuth client id of the frontend."
  }

  validation {
    condition     = !var.allow_unauthenticated || var.token_domain != "" || length(setunion(var.roles.viewers, var.roles.editors, var.roles.operators)) > 0
    error_message = "Functions that anyone may call must know whom to let in: anybody can get a Google ID token. Set roles, or token_domain."
  }
}

variable "budget" {
  description = "Monthly budget that mails at 50, 90 and 100 percent, or null for none; the amount is whole units of the billing account's currency. It warns only; daily_query_tebibytes is what stops a runaway."
  type = object({
    billing_account = string
    amount          = number
  })
  default = null

  validation {
    condition     = var.budget == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account looks like 012345-6789AB-CDEF01."
  }

  validation {
    condition     = var.budget == null || try(var.budget.amount >= 1 && floor(var.budget.amount) == var.budget.amount, false)
    error_message = "budget.amount is whole units of the billing account's currency, such as 50."
  }
}

variable "cors_origins" {
  description = "Exact origins that browsers may call from, such as https://app.example.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "Each of cors_origins must be one origin without a path or a wildcard, such as https://app.example.com."
  }
}

variable "crm_projects" {
  description = "Other projects, holding CRM data, in which this deployment may grant BigQuery Data Viewer on the datasets of source_datasets to its readers. Leave a project out when someone else grants there; the output access_to_grant says what."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for project in var.crm_projects : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", project))])
    error_message = "Each of crm_projects must be a project id."
  }

  validation {
    condition     = !contains(var.crm_projects, var.project)
    error_message = "crm_projects lists other projects; datasets of this one belong to source_datasets."
  }
}

variable "crm_publishers" {
  description = "Members that announce finished CRM loads on the topic crm-loads, such as serviceAccount:loader@crm.iam.gserviceaccount.com."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.crm_publishers : can(regex("^(user|serviceAccount|group|principal|principalSet):.+$", member))])
    error_message = "Each of crm_publishers is a member with its kind, such as serviceAccount:loader@shop-crm.iam.gserviceaccount.com."
  }
}

variable "currency" {
  description = "ISO 4217 code of the project currency."
  type        = string

  validation {
    condition     = can(regex("^[A-Z]{3}$", var.currency))
    error_message = "currency is three capital letters, such as EUR."
  }
}

variable "console_members" {
  description = "Who may open the console, as user:, group: or domain: members; what they may do there, roles says. Empty: the console is not deployed."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for member in var.console_members : can(regex("^(user|group|domain|serviceAccount):[^ ,]+$", member))])
    error_message = "Each of console_members is a member such as group:marketing@shop.example; Identity-Aware Proxy lets in nobody without an account."
  }
}

variable "daily_query_tebibytes" {
  description = "Custom quota: TiB that BigQuery queries may read in this project per day. Null keeps Google's default of 200 TiB."
  type        = number
  default     = 1

  validation {
    condition     = var.daily_query_tebibytes == null || try(var.daily_query_tebibytes > 0, false)
    error_message = "daily_query_tebibytes must be more than zero, or null."
  }
}

variable "deletion_protection" {
  description = "Refuses to destroy tables that hold history. Switch off only for an environment that may vanish."
  type        = bool
  default     = true
}

variable "environment" {
  description = "Name of this installation; part of every resource's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "environment is 2 to 10 small letters and digits, such as prod."
  }
}

variable "export_secrets" {
  description = "Names of the ad platforms' credentials, such as meta-access-token. Terraform makes each secret and lets the export functions read it; the value never passes through Terraform."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.export_secrets : can(regex("^[a-z][a-z0-9-]{1,62}$", name))])
    error_message = "Names of export_secrets are small letters, digits and hyphens, such as meta-access-token."
  }
}

variable "ga4_datasets" {
  description = "GA4 export datasets as project.dataset, one per property."
  type        = set(string)

  validation {
    condition     = alltrue([for path in var.ga4_datasets : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]\\.[A-Za-z0-9_]+$", path))])
    error_message = "Each of ga4_datasets is project.dataset, such as shop-analytics.analytics_123456789."
  }
}

variable "ga4_streaming" {
  description = "Counts days of a property from its stream (events_intraday_) where they have had no daily table for 72 hours. Such conversions are preliminary and not exported before the daily table lands."
  type        = bool
  default     = false
}

variable "iap_audience" {
  description = "Audience of the assertions of Identity-Aware Proxy before the console, /projects/NUMBER/locations/REGION/services/SERVICE; empty: none is taken."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(/projects/[0-9]+/locations/[a-z0-9-]+/services/[a-z0-9-]+)?$", var.iap_audience))
    error_message = "iap_audience is /projects/NUMBER/locations/REGION/services/SERVICE, with the project's number."
  }
}

variable "ga4_log_sinks" {
  description = "Forwards GA4's own log of its exports to the topic runs, by a sink in each project of ga4_datasets; needs roles/logging.configWriter there. Without it the schedule alone starts the daily run."
  type        = bool
  default     = true
}

variable "http_invokers" {
  description = "Members that may call the HTTP functions with an ID token, such as the service account of the frontend's server."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setintersection(var.http_invokers, ["allUsers", "allAuthenticatedUsers"])) == 0
    error_message = "To open the functions to browsers set allow_unauthenticated, which also demands a verifier of ID tokens."
  }

  validation {
    condition     = alltrue([for member in var.http_invokers : can(regex("^((user|serviceAccount|group|domain|principal|principalSet):.+|allUsers|allAuthenticatedUsers)$", member))])
    error_message = "Each of http_invokers is a member with its kind, such as serviceAccount:frontend@shop-conversions.iam.gserviceaccount.com."
  }
}

variable "labels" {
  description = "Labels added to every resource."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Keys and values of labels are small letters, digits, _ and -."
  }
}

variable "kms_keys" {
  description = "Customer-managed keys by full name, or null for Google's own: data for BigQuery in its location, messages for Pub/Sub, code for the bucket of bundles. Their service agents need roles/cloudkms.cryptoKeyEncrypterDecrypter on them."
  type = object({
    data     = optional(string)
    messages = optional(string)
    code     = optional(string)
  })
  default = {}

  validation {
    condition     = alltrue([for key in values(var.kms_keys) : key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", key))])
    error_message = "Each of kms_keys is projects/P/locations/L/keyRings/R/cryptoKeys/K."
  }
}

variable "location" {
  description = "BigQuery location; it must be that of the GA4 and CRM datasets."
  type        = string

  validation {
    condition     = can(regex("^(EU|US|[a-z]+-[a-z]+[0-9]+)$", var.location))
    error_message = "location is EU, US or a region such as europe-west2."
  }
}

variable "maximum_bytes_billed" {
  description = "Byte cap of a single query."
  type        = number
  default     = 214748364800

  validation {
    condition     = var.maximum_bytes_billed >= 10485760
    error_message = "BigQuery bills 10 MiB at least; maximum_bytes_billed cannot be less than 10485760."
  }
}

variable "message_regions" {
  description = "Regions in which Pub/Sub may keep messages, such as europe-west1; empty: wherever they were published. They must obey an organisation policy on resource locations."
  type        = list(string)
  default     = []
}

variable "price_per_slot_hour" {
  description = "Price of a reserved slot in USD an hour, for the estimates shown to people; 0.06 is that of the Enterprise edition in the US."
  type        = number
  default     = 0.06

  validation {
    condition     = var.price_per_slot_hour >= 0
    error_message = "price_per_slot_hour cannot be less than zero."
  }
}

variable "price_per_tebibyte" {
  description = "On-demand price of a TiB in USD, for the estimates shown to people."
  type        = number
  default     = 6.25

  validation {
    condition     = var.price_per_tebibyte >= 0
    error_message = "price_per_tebibyte cannot be less than zero."
  }
}

variable "project" {
  description = "Google Cloud project that runs the product."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is a project id, such as shop-conversions."
  }
}

variable "rates_table" {
  description = "Table of exchange rates as project.dataset.table with the columns date, currency and rate; empty when every amount is in the project currency."
  type        = string
  default     = ""

  validation {
    condition     = var.rates_table == "" || can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]\\.[A-Za-z0-9_]+\\.[A-Za-z0-9_-]+$", var.rates_table))
    error_message = "rates_table is project.dataset.table, such as shop-conversions.finance.rates."
  }
}

variable "region" {
  description = "Region of the functions and scheduler jobs."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a Google Cloud region, such as europe-west1."
  }
}

variable "runtime" {
  description = "Python runtime of the functions. Their requirements are resolved for 3.11, and the tests run on it."
  type        = string
  default     = "python311"

  validation {
    condition     = can(regex("^python3[0-9]{2}$", var.runtime))
    error_message = "runtime is one of Google's Python runtimes, such as python311."
  }
}

variable "roles" {
  description = "Who may look, who may also edit, and who may also run things and see personal data: e-mail addresses and domain:shop.com. Empty: whoever may call the functions is an operator."
  type = object({
    viewers   = optional(set(string), [])
    editors   = optional(set(string), [])
    operators = optional(set(string), [])
  })
  default = {}

  validation {
    condition     = alltrue([for account in setunion(var.roles.viewers, var.roles.editors, var.roles.operators) : can(regex("^(domain:[^@ ,]+|[^@ ,:]+@[^@ ,]+)$", account))])
    error_message = "Each account of roles is an e-mail address or domain:shop.com; groups are let in by Identity-Aware Proxy instead."
  }
}

variable "schedules" {
  description = "Cron lines that replace those of functions/manifest.json, by schedule name, read in the project's time zone; null leaves a schedule to the frontend."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.schedules), keys(local.manifest.schedules))) == 0
    error_message = "schedules may only name schedules of functions/manifest.json: ${join(", ", keys(local.manifest.schedules))}."
  }

  validation {
    condition     = alltrue([for cron in values(var.schedules) : cron == null || can(regex("^[^ ]+( [^ ]+){4}$", cron))])
    error_message = "Each of schedules is minute, hour, day, month and day of the week, such as 30 5 * * *, or null."
  }
}

variable "authorized_views" {
  description = "Views, as project.dataset.view in one of source_datasets, that may show users' SQL tables of other datasets. Whoever may change such a view decides what is shown."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for path in var.authorized_views : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]\\.[A-Za-z0-9_]+\\.[A-Za-z0-9_-]+$", path))])
    error_message = "Each of authorized_views is project.dataset.view, such as shop-crm.hubspot.paid_orders."
  }
}

variable "secret_regions" {
  description = "Regions in which Secret Manager keeps the secrets, such as europe-west1; empty: everywhere. An organisation policy on resource locations refuses everywhere."
  type        = list(string)
  default     = []
}

variable "slots" {
  description = "BigQuery slots that are reserved for the project, for the estimates shown to people; 0 is on demand."
  type        = number
  default     = 0

  validation {
    condition     = var.slots >= 0 && floor(var.slots) == var.slots
    error_message = "slots is a whole number of slots, 0 on demand."
  }
}

variable "source_datasets" {
  description = "Datasets, as project.dataset, that users' SQL and lead scoring may read: the CRM."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for path in var.source_datasets : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]\\.[A-Za-z0-9_]+$", path))])
    error_message = "Each of source_datasets is project.dataset, such as shop-crm.hubspot."
  }
}

variable "sql_runner_impersonation" {
  description = "Runs users' SQL as a service account of its own, which can read the sources and write nothing but the staging dataset."
  type        = bool
  default     = true
}

variable "timezone" {
  description = "IANA time zone in which the project's days begin and end, such as Europe/London."
  type        = string

  validation {
    condition     = can(regex("^(UTC|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$", var.timezone))
    error_message = "timezone is an IANA name, such as Europe/London or UTC."
  }
}

variable "token_audience" {
  description = "OAuth client id that end users' ID tokens must be issued for; empty: Cloud Run checks the caller."
  type        = string
  default     = ""
}

variable "token_domain" {
  description = "Workspace domain (claim hd) that end users must belong to; empty: any."
  type        = string
  default     = ""
}

variable "vpc" {
  description = "Serverless VPC Access connector by full name for traffic that leaves the functions, and which: PRIVATE_RANGES_ONLY or ALL_TRAFFIC. Null sends it straight to the internet."
  type = object({
    connector = string
    egress    = optional(string, "ALL_TRAFFIC")
  })
  default = null

  validation {
    condition     = var.vpc == null || contains(["PRIVATE_RANGES_ONLY", "ALL_TRAFFIC"], try(var.vpc.egress, ""))
    error_message = "vpc.egress is PRIVATE_RANGES_ONLY or ALL_TRAFFIC."
  }
}
