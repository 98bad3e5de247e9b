"""The candidate row that every kind returns, what it is worth, and why it may be refused.

Imports bigquery, ga4 and model.
"""
