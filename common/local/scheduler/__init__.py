"""Cloud Scheduler on this machine, for Google's own client.

Imports rpc and pubsub.
"""
