"""One writer at a time: leases with a fencing token.

Imports bigquery.
"""
