"""How a client paced itself, as pure functions of the calls in the journal: hints, polls, measures, assertions."""
