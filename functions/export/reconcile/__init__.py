"""Desired state against acknowledged state: what to create, restate, retract.

Pure.
"""
