"""The client that is right, over requests and over httpx in an event loop."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import closing
from typing import Any, Final

import httpx
import requests

from .flawed_clients import BODY, RETRYABLE, Baker, CreationFailedError, RefusedError

NAMESPACE: Final = uuid.NAMESPACE_URL


class _OverRequests(Baker):
    """Right, over requests."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False  # looking for proxies takes longer than a call

    def exchange(self, verb: str, path: str, body: str | None) -> tuple[int, float, bytes]:
        headers = {**self.headers, "Idempotency-Key": self.key} if body else self.headers
        answer = self.session.request(verb, self.url + path, data=body, headers=headers, timeout=30)
        return answer.status_code, float(answer.headers.get("Retry-After", 0)), answer.content


def over_requests(url: str, token: str) -> str:
    """Has no flaw."""
    baker = _OverRequests(url, token)
    with closing(baker.session):
        return baker.bake()


class AsyncBaker:
    """Right, over httpx in an event loop."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.key = str(uuid.uuid5(NAMESPACE, str(client.base_url)))

    async def bake(self) -> str:
        """Create an image, wait for it, and give back its id."""
        operation = await self.call("POST", "/compute/v1/images", {"Idempotency-Key": self.key}, json.dumps(BODY))
        id_ = operation["id"]
        try:
            async with asyncio.timeout(300):
                done = await self.wait(operation)
        except (OSError, httpx.HTTPError, ValueError, RefusedError):
            done = await self.wait(await self.call("GET", f"/operations/{id_}:cancel"))
        if "error" in done:
            raise CreationFailedError(done["error"].get("message", ""))
        return str(done["metadata"]["imageId"])

    async def wait(self, operation: Any) -> Any:
        """Poll until it is over."""
        id_, pause, missing = operation["id"], 1.0, 0
        while not (operation["done"] or "error" in operation):
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, 30)
            try:
                operation = await self.call("GET", f"/operations/{id_}")
            except RefusedError as error:
                missing += 1
                if error.status != 404 or missing > 3:
                    raise
        return operation

    async def call(self, verb: str, path: str, headers: dict[str, str] | None = None, body: str | None = None) -> Any:
        """Call once, and again while that may help."""
        pause, asked = 1.0, 0.0
        failure: Exception = TimeoutError()
        for attempt in range(8):
            if attempt:
                await asyncio.sleep(max(pause, asked))
                pause, asked = min(2 * pause, 30), 0.0
            try:
                answer = await self.client.request(verb, path, headers=headers, content=body)
                if answer.status_code == 200:
                    return json.loads(answer.content)
            except (httpx.HTTPError, ValueError) as error:
                failure = error
                continue
            failure = RefusedError(answer.status_code, answer.text)
            if answer.status_code not in RETRYABLE:
                break
            asked = float(answer.headers.get("Retry-After", 0))
        raise failure


async def over_httpx(url: str, token: str) -> str:
    """Has no flaw."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        return await AsyncBaker(client).bake()


async def waits_for_ever(url: str, token: str) -> str:
    """Waits for an event that is never set, once its image is asked for."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        await client.post("/compute/v1/images", json=BODY)
        await asyncio.Event().wait()
    return ""
