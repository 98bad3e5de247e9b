"""Whether every partitioned table is read for bounded days.

Pure.
"""
