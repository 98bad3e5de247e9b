"""The model: encoding, fitting, calibration, value, reasons.

Imports data.
"""
