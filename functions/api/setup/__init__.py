"""The product itself, for whoever sets it up: accounts, settings, tables, freshness.

Imports services.
"""
