"""What a client survives: scenarios of faults, trials of the client under them, judges, and the search for what breaks it."""
