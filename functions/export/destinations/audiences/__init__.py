"""Audiences: lists of people at a platform that conversions put them into and take them out of.

Imports the platforms beside it, whose credentials and answers are the same.
"""
