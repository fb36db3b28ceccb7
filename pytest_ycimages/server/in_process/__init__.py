"""In-process adapters of HTTP clients: the same bytes and faults as over a socket, without sockets and threads."""
