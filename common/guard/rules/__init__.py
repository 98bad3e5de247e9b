"""Rules over tokens and tree: statements, functions, forbidden syntax, determinism.

Imports reading and names.
"""
