"""The simulated cloud: clock, plans, lifecycle, ids, state and services, without threads, timers or I/O."""
