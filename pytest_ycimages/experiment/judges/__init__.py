"""The judges: each a small pure function of a trial, which says what the client did and which calls prove it."""
