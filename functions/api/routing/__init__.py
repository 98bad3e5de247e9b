"""From an HTTP request to its handler and back, and the OpenAPI document.

Imports common.http.
"""
