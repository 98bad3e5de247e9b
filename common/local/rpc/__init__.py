"""What the local servers share: gRPC services, a database that survives a kill, a ticker."""
