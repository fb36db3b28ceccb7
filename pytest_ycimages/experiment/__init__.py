"""What a client survives: scenarios of faults, trials of it, judges, and the search for what breaks it."""
