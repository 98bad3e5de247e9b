"""What a query names and returns: tables, scopes, output columns, the tree's nodes.

Imports reading.
"""
