"""Virtual time: the client's waits take no real time, and move the one clock that client and double share."""
