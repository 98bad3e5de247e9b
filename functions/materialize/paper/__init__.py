"""A run on paper: the statements of a definition as they would run, without any BigQuery.

Imports runs, stage and task; nothing imports it.
"""
