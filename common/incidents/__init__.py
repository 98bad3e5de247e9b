"""What needs a person's eye: one identity a cause, open until a person or a run resolves it.

Imports bigquery and logs.
"""
