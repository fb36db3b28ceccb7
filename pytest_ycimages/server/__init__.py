"""HTTP transports of the double: gateway, threaded HTTP/1.1 server, OpenAPI document."""
