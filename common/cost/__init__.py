"""What statements read, in bytes and money, without asking BigQuery.

Columns read x rows x width of their types, partitions and clusters pruned. Pure but for `sizes`,
which looks tables up. Imports bigquery, model, schemas and errors.
"""
