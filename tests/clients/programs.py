"""Programs with the service's own addresses in them: each makes an image, and prints its id or what went wrong."""

from __future__ import annotations

from typing import Final

_BODY: Final = '{"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}'
_URL: Final = "https://compute.api.cloud.yandex.net/compute/v1/images"
_HEADERS: Final = '{"Authorization": "Bearer t1.a.b", "Content-Type": "application/json"}'

SDK: Final = """
import yandexcloud
from yandex.cloud.compute.v1.image_pb2 import Image
from yandex.cloud.compute.v1.image_service_pb2 import CreateImageMetadata, CreateImageRequest
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub

sdk = yandexcloud.SDK({credential})
operation = sdk.client(ImageServiceStub).Create(
    CreateImageRequest(folder_id="b1g0000000000000000a", disk_id="epd0000000000000000a")
)
waited = sdk.wait_operation_and_get_result(operation, response_type=Image, meta_type=CreateImageMetadata)
print(waited.response.id)
"""
GRPC_AIO: Final = """
import asyncio, grpc
from yandex.cloud.compute.v1.image_service_pb2 import CreateImageMetadata, CreateImageRequest
from yandex.cloud.compute.v1.image_service_pb2_grpc import ImageServiceStub

async def main():
    credentials = grpc.ssl_channel_credentials()
    async with grpc.aio.secure_channel("compute.api.cloud.yandex.net:443", credentials) as channel:
        request = CreateImageRequest(folder_id="b1g0000000000000000a", disk_id="epd0000000000000000a")
        operation = await ImageServiceStub(channel).Create(request, metadata=[("authorization", "Bearer t1.a.b")])
    metadata = CreateImageMetadata()
    operation.metadata.Unpack(metadata)
    print(metadata.image_id)

asyncio.run(main())
"""
REQUESTS: Final = f"""
import requests
print(requests.post({_URL!r}, data={_BODY!r}, headers={_HEADERS}, timeout=20).json()["metadata"]["imageId"])
"""
HTTPX: Final = f"""
import httpx
print(httpx.post({_URL!r}, content={_BODY!r}, headers={_HEADERS}, timeout=20).json()["metadata"]["imageId"])
"""
URLLIB: Final = f"""
import json, urllib.request
asked = urllib.request.Request({_URL!r}, {_BODY!r}.encode(), {_HEADERS})
print(json.load(urllib.request.urlopen(asked, timeout=20))["metadata"]["imageId"])
"""
AIOHTTP: Final = f"""
import asyncio, aiohttp

async def main():
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.post({_URL!r}, data={_BODY!r}, headers={_HEADERS}) as answer:
            print((await answer.json())["metadata"]["imageId"])

asyncio.run(main())
"""
CURL: Final = ["curl", "--silent", "--show-error", "--max-time", "20", "--header", "Authorization: Bearer t1.a.b"]
CURL_CREATE: Final = [*CURL, "--data", _BODY, _URL]
