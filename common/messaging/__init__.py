"""Messages between functions and the client that publishes them.

Imports model, settings and errors.
"""
