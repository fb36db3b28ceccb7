"""gRPC: the messages, methods and wire rules by which official SDKs talk to the double."""
