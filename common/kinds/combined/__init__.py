"""Combined conversions: the rows of their members.

Imports candidate, dedup and model.
"""
