"""How good a model is: metrics, forward evaluation, card, backtest.

Imports model and data.
"""
