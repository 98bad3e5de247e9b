"""Custom conversions: the rows of the user's own query.

Imports candidate and model.
"""
