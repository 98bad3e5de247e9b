"""Who is who: the graph of client ids and user ids that belong to one person.

Imports bigquery.
"""
