"""How good a model is, for people: card, backtest, report.

Imports training, model and data.
"""
