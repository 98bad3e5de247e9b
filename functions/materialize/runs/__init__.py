"""A run: plan, tiers, the ledger of runs, the hourly watchdog.

Imports stage and task.
"""
