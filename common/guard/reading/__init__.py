"""A query as tokens: text, lexer, nesting, and the masked copy for the parser.

Imports model.
"""
