"""A training: the model, forward evaluation, thresholds, and what a daily run needs of it.

Imports model and data.
"""
