"""Conversions as definitions: saved, checked, listed, described.

Imports routing.
"""
