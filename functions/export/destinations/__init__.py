"""The platforms: one module for each, all listed in `registry`.

Imports contract, payload and transport.
"""
