"""A client that bakes an image: it asks for it, and waits until it is done."""

import time

import requests

BODY = {"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}


def call(method, url, token, body=None):
    """Make a call, and make it again when that has not worked."""
    headers = {"Authorization": f"Bearer {token}"}
    for _ in range(5):
        try:
            answer = requests.request(method, url, json=body, headers=headers, timeout=30)
            answer.raise_for_status()
            return answer.json()
        except requests.RequestException as error:
            failure = error
            time.sleep(1)
    raise failure


def bake(url, token):
    """Create an image, wait for it, and return its id."""
    operation = call("POST", f"{url}/compute/v1/images", token, BODY)
    while not operation["done"]:
        time.sleep(3)
        operation = call("GET", f"{url}/operations/{operation['id']}", token)
    return operation["metadata"]["imageId"]
