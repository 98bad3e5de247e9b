"""The whole product on one machine: engine, servers, functions on one port.

Imports all of local but commands; nothing of the product imports local.
"""
