"""What a destination is: its config, its capabilities as data, and what it is asked to do.

Imports transport and payload.
"""
