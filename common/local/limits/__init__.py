"""What BigQuery's quotas and limits refuse, refused here with its reasons; and faults by seed.

Pure: statements, sizes and the clock come in. Imports nothing of the engine and none of our rooms.
"""
