"""Definitions as stored, how far each is up to date, and what a run will do.

Imports bigquery, ga4, identity, messaging and model.
"""
