"""What stands behind a double: the fake, a cassette that is replayed, or the service that is being recorded."""
