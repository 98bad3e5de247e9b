"""The HTTP side of export: destinations, dry runs, replays, the ledger.

Imports send, ledger and services.
"""
