"""Faults: the catalogue, schedules, rules, and the injector that strikes calls with them."""
