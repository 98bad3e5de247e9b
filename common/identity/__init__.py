"""Who is who: which client ids and user ids belong to one person.

Imports bigquery, catalog and model.
"""
