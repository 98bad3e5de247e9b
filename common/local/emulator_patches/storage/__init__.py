"""Patches of the tables: how they are made, loaded and kept, and whole again after a kill."""
