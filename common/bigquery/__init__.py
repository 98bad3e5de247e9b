"""BigQuery in a few verbs: client, SQL as data, migrations.

Imports schemas, settings and errors.
"""
