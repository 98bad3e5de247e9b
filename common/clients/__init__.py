"""Builds Google's clients from the settings, one module a service; only entry points call it.

Imports bigquery, messaging and settings.
"""
