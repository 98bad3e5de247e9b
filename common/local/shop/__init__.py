"""A generated shop whose true answers are known.

Imports nothing of the product.
"""
