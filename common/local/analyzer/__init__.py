"""GoogleSQL's own analyzer, where it is installed: what BigQuery would say to a statement.

Imports nothing of the project; `zetasql` is a package for development.
"""
