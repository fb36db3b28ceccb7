"""Experiments: the search for the faults that break a client."""
