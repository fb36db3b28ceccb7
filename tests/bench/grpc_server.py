"""A gRPC server in a process of its own: `python -m tests.bench.grpc_server double|constant`.

It prints its address and a token, and then its CPU seconds for each line that it reads.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click
import grpc

from pytest_ycimages import Double


def main(kind: str) -> None:
    """Serve until the input ends."""
    if kind == "double":
        double = Double(auth="off").start()
        image = double.add_image(name="base")
        click.echo(f"{double.grpc_endpoint} {image}")
    else:
        server = grpc.server(ThreadPoolExecutor(8))
        answer = b"\x0a\x14fd800000000000000000\x22\x04base"
        handler: Any = grpc.unary_unary_rpc_method_handler(lambda request, context: answer)  # noqa: ARG005 - a constant
        name = "yandex.cloud.compute.v1.ImageService"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Get": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        click.echo(f"127.0.0.1:{port} fd800000000000000000")
    for _ in sys.stdin:
        click.echo(time.process_time())


if __name__ == "__main__":
    main(sys.argv[1])
