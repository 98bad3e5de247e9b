"""GoogleSQL's grammar of a query: what this does not read, BigQuery does not read either.

Imports reading. The layers build on each other: cursor, types, expressions, sources, queries.
"""
