"""A conversion as typed data: definitions, filters, the column contract, windows of days.

Pure; imports only schemas, SQL as data and errors.
"""
