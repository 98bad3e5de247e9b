"""Simple conversions: GA4 events.

Imports candidate, dedup and model.
"""
