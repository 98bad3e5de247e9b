"""The whole product on one machine: engine, servers, functions on one port.

Imports all of local; nothing of the product imports local.
"""
