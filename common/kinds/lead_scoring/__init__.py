"""Lead scoring conversions: leads that the newest scores qualify.

Imports candidate and model.
"""
