"""The stage: one scan of the raw GA4 export becomes typed events.

Imports common only.
"""
