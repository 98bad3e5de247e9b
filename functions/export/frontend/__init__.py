"""The HTTP side of export: destinations, dry runs, replays, the ledger.

Imports send and ledger.
"""
