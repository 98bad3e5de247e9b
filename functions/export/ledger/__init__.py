"""The delivery ledger: append-only entries, what they add up to, incidents.

Imports reconcile.
"""
