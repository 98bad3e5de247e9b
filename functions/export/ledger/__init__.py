"""The delivery ledger: append-only entries and what they add up to.

Imports reconcile.
"""
