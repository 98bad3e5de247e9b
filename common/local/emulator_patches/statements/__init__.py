"""Patches of whole statements: translation, dry run, execution.

Imports expressions.
"""
