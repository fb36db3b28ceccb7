"""What the cloud does: clock, plans, lifecycle, ids, state, and the service itself. No thread, no timer, no I/O."""
