"""HTTP in and out: strict JSON, problem details, identity tokens, push bodies.

Imports model, messaging and errors.
"""
