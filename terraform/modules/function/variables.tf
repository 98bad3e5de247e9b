variable "account_id" {
  description = "Id of the function's own service account."
  type        = string
}

variable "build_service_account" {
  description = "Full name of the service account that builds the function."
  type        = string
}

variable "bundle" {
  description = "Where the zip of the function lies in Cloud Storage."
  type = object({
    bucket = string
    object = string
  })
}

variable "description" {
  description = "What the function does, in a sentence."
  type        = string
}

variable "entry_point" {
  description = "Name that the bundle's main.py exports."
  type        = string
}

variable "environment_variables" {
  description = "Settings of the function."
  type        = map(string)
}

variable "ingress" {
  description = "ALLOW_ALL for HTTP functions, ALLOW_INTERNAL_ONLY for those that only Pub/Sub calls."
  type        = string

  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_ONLY"], var.ingress)
    error_message = "ingress is ALLOW_ALL or ALLOW_INTERNAL_ONLY."
  }
}

variable "invokers" {
  description = "Members that may call the function, by a name of our own."
  type        = map(string)
}

variable "name" {
  description = "Name of the function."
  type        = string
}

variable "project" {
  description = "Project of the function."
  type        = string
}

variable "region" {
  description = "Region of the function."
  type        = string
}

variable "resources" {
  description = "What one instance gets, how many requests it serves at once and for how long, and how many instances there may be."
  type = object({
    memory          = string
    cpu             = string
    concurrency     = number
    max_instances   = number
    timeout_seconds = number
  })

  validation {
    condition     = var.resources.concurrency == 1 || tonumber(var.resources.cpu) >= 1
    error_message = "Cloud Run serves several requests at once only with a whole CPU: raise cpu to 1 or set concurrency to 1."
  }
}

variable "runtime" {
  description = "Runtime of the function, such as python311."
  type        = string
}

variable "vpc" {
  description = "VPC connector and which traffic takes it, or null."
  type = object({
    connector = string
    egress    = string
  })
}
