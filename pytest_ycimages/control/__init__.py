"""The control API at `/_ycimages/`: seed, inspect and steer a running double over HTTP, from any language.

Its requests are not written to the journal, not struck by faults, not delayed, and need no token.
"""
