"""Patches of the emulator's server: jobs, rights and limits, requests, error messages."""
