"""A draft on history: backtest, difference from live, explanation.

Imports definitions and reporting.
"""
