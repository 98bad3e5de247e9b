"""The product on one machine: engine, servers, stand-ins and the demo; never deployed."""
