"""How the cloud is spoken to over HTTP: routes, the WSGI application, and a threaded HTTP/1.1 server."""
