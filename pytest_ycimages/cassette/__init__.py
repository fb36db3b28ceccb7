"""Record and replay: cassettes of the API's traffic, as values and as files. The only room that knows vcrpy."""
