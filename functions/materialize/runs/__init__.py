"""A run: plan, tiers, the hourly watchdog.

Imports the ledger, stage and task.
"""
