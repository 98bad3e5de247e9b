"""What of a row platforms take: identifiers, money, countries, hashed and normalized.

Pure.
"""
