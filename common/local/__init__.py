"""The product on one machine: engine, servers, stand-ins and the demo; never deployed."""

import gc

# each process of it imports this first; statements make trees of many nodes, and looking through
# all that a process holds for each is a tenth of its time
gc.set_threshold(50_000, 20, 50)
