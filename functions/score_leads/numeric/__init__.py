"""Log-odds, folds, figures, threads, orders that repeat: arithmetic that any model stands on.

Imports data.
"""
