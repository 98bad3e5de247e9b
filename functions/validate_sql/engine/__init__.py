"""BigQuery's own opinion of a query: dry run, access, cost.

Imports models.
"""
