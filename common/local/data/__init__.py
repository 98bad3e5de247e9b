"""Data files into BigQuery: parquet, ndjson and csv, typed.

Imports bigquery.
"""
