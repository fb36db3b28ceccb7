"""Virtual time: waits take no real time and move one clock, which client and double share."""
