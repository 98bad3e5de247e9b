"""Runs: asked for, scheduled, reported.

Imports routing and definitions.
"""
