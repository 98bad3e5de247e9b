"""Runs of deliveries: batches out, answers in, asynchronous truth.

Imports ledger, reconcile and destinations.
"""
