"""What the rows of a query look like, and what that says about it.

Imports models.
"""
