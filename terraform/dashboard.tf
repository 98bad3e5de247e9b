locals {
  _own = "metric.type=\"logging.googleapis.com/user/${local.prefix}"

  # the sum of a distribution, which only PromQL tells and a line can show
  # https://cloud.google.com/monitoring/promql/promql-mapping
  _sum = "increase(logging_googleapis_com:user_${replace(local.prefix, "-", "_")}"
  sums = {
    "Bytes read by runs"       = "sum by (service_name) (${local._sum}_bytes_sum{monitored_resource=\"cloud_run_revision\"}[1h]))"
    "Requests to ad platforms" = "sum by (destination) (${local._sum}_deliveries_sum{monitored_resource=\"cloud_run_revision\"}[1h]))"
  }

  # each chart: what it shows, of which metric, added up over which label
  charts = {
    "Runs by status"                = { filter = "${local._own}-runs\"", by = "metric.label.status", aligner = "ALIGN_DELTA" }
    "Incidents by code"             = { filter = "${local._own}-incidents\"", by = "metric.label.code", aligner = "ALIGN_DELTA" }
    "Oldest message, seconds"       = { filter = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.label.subscription_id=starts_with(\"${local.prefix}-\")", by = "resource.label.subscription_id", aligner = "ALIGN_MAX" }
    "Dead letters"                  = { filter = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.label.subscription_id=\"${local.prefix}-dead-letters\"", by = "resource.label.subscription_id", aligner = "ALIGN_MAX" }
    "Refused requests of functions" = { filter = "metric.type=\"run.googleapis.com/request_count\" AND resource.label.service_name=starts_with(\"${local.prefix}-\") AND metric.label.response_code_class!=\"2xx\"", by = "resource.label.service_name", aligner = "ALIGN_DELTA" }
  }
}

resource "google_monitoring_dashboard" "overview" {
  project = var.project

  dashboard_json = jsonencode({
    displayName = "${local.prefix}: runs, bytes, lag, deliveries, dead letters"
    gridLayout = {
      columns = "2"
      widgets = concat(
        [for title, query in local.sums : {
          title   = title
          xyChart = { dataSets = [{ plotType = "LINE", timeSeriesQuery = { prometheusQuery = query } }] }
        }],
        [for title, chart in local.charts : {
          title = title
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = chart.filter
                  aggregation = {
                    alignmentPeriod    = "3600s"
                    perSeriesAligner   = chart.aligner
                    crossSeriesReducer = chart.aligner == "ALIGN_MAX" ? "REDUCE_MAX" : "REDUCE_SUM"
                    groupByFields      = [chart.by]
                  }
                }
              }
            }]
          }
        }],
      )
    }
  })

  depends_on = [google_logging_metric.events]
}
