"""Patches of the emulator's server: jobs, loads, tables, error messages."""
