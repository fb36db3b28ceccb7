"""Comparison of a cassette with today's answers, of the fake or of the service."""
