"""Daily operation: train when due, score, monitor, register.

Imports all other rooms.
"""
