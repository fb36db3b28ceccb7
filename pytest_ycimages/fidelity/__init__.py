"""How each behaviour of the double is known: a table, read from `behaviours.toml`, and the page made of it."""
