"""Judges a user's SQL before it runs.

Imports model and errors; never a client.
"""
