"""The backends of a double: fake, replay and record."""
