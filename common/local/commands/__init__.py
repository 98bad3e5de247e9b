"""Commands that need a running stack: load files, publish a message. Imports stack and data."""
