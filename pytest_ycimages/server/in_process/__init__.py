"""HTTP clients over a connection that is no socket: the same bytes, the same faults, and no thread."""
