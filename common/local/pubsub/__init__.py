"""Pub/Sub on this machine, for Google's own clients.

Imports rpc.
"""
