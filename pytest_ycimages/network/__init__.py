"""The network around a test: proxy variables of the environment, and hosts that must not be reached."""
