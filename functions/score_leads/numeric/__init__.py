"""Log-odds, folds, figures of quality and threads: arithmetic that any part of a model stands on.

Imports data.
"""
