"""What was counted, row by row and day by day.

Imports routing and definitions.
"""
