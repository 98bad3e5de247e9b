"""The model: encoding, fitting, level, value, reasons, and what measures or betrays it.

Imports data and numeric.
"""
