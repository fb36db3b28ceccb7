"""Redaction of texts, values and addresses by the contract of the API, for cassettes and for everything printed."""
