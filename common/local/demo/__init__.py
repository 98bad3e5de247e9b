"""The demo: a shop whose truth is known, lived through day by day.

Imports stack, shop and data.
"""
