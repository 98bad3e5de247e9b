"""What GA4 exported and what the stage holds of it.

Imports bigquery, cost and model.
"""
