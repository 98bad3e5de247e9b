"""Patches of single expressions on their way from GoogleSQL to DuckDB."""
