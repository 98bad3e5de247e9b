"""The wire to the platforms: requests, retries, secrets, the clock.

Imports nothing else of export.
"""
