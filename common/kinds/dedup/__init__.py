"""Steps that remove duplicates, shared by the kinds that count events.

Imports candidate and identity.
"""
