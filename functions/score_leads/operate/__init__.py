"""Daily operation: train when due, score, monitor, register, remember first-seen values.

Imports all other rooms.
"""
