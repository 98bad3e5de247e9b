variable "bucket" {
  description = "Bucket that keeps the zip."
  type        = string
}

variable "entry_points" {
  description = "Names that main.py of the zip exports, sorted."
  type        = list(string)
}

variable "folder" {
  description = "Folder of the function's code under functions/."
  type        = string
}

variable "repository" {
  description = "Path of the repository's root."
  type        = string
}
