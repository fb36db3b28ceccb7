"""Many calls at once from one client, as SDKs make them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
import requests

if TYPE_CHECKING:
    from pytest_ycimages import Double

CROWD: Final = 100


def _body(ycimages: Double) -> dict[str, str]:
    return {"folderId": ycimages.folder_id, "diskId": "epd0000000000000000a"}


def test_a_hundred_tasks_of_one_session(ycimages: Double) -> None:
    """Each bakes its own image, and the double mixes none of them up."""

    async def bake(session: aiohttp.ClientSession) -> tuple[str, Any]:
        async with session.post("/compute/v1/images", json=_body(ycimages)) as answer:
            operation = await answer.json()
        async with session.get(f"/operations/{operation['id']}") as answer:
            return operation["metadata"]["imageId"], (await answer.json())["response"]

    async def bake_all() -> list[tuple[str, Any]]:
        headers = {"Authorization": f"Bearer {ycimages.token}"}
        async with aiohttp.ClientSession(ycimages.url, headers=headers, raise_for_status=True) as session:
            return await asyncio.gather(*(bake(session) for _ in range(CROWD)))

    baked = asyncio.run(bake_all())
    assert all(image_id == image["id"] and image["status"] == "READY" for image_id, image in baked)
    assert {image_id for image_id, _ in baked} == set(ycimages.images)
    assert len(ycimages.images) == CROWD


@pytest.mark.costly
def test_a_hundred_threads_of_their_own_sessions(ycimages: Double) -> None:
    """The same with threads, and connections that end after every call."""

    def bake(_: int) -> str:
        headers = {"Authorization": f"Bearer {ycimages.token}", "Connection": "close"}
        with requests.Session() as session:
            session.headers.update(headers)
            operation = session.post(f"{ycimages.url}/compute/v1/images", json=_body(ycimages), timeout=20).json()
            ended = session.get(f"{ycimages.url}/operations/{operation['id']}", timeout=20).json()
        return str(ended["response"]["id"])

    with ThreadPoolExecutor(CROWD) as crowd:
        assert set(crowd.map(bake, range(CROWD))) == set(ycimages.images)
    assert len(ycimages.images) == CROWD
