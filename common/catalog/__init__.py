"""Definitions as stored, who tells which persons, how far each is done, what a run will do.

Imports bigquery, ga4, identity, kinds, messaging and model.
"""
