"""One task: the window of one conversion becomes what its definition returns.

Imports the ledger and merge.
"""
