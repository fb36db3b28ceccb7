"""A client that bakes an image: it asks for it, and waits until it is done."""

import time
import uuid

import requests

BODY = {"folderId": "b1g0000000000000000a", "diskId": "epd0000000000000000a"}
MAY_PASS = {404, 429, 500, 502, 503, 504}


def call(method, url, token, body=None, key=None):
    """Make a call, and make it again while that may help, after longer and longer pauses."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    asked = 0
    for pause in (0, 1, 2, 4, 8, 16):
        time.sleep(max(pause, asked))
        try:
            answer = requests.request(method, url, json=body, headers=headers, timeout=30)
            answer.raise_for_status()
            return answer.json()
        except requests.RequestException as error:
            failure, refusal = error, error.response
            if refusal is not None:
                if refusal.status_code not in MAY_PASS:
                    raise
                asked = int(refusal.headers.get("Retry-After", 0))
    raise failure


def wait(url, token, operation, patience):
    """Poll until the operation is done, or its error is set."""
    deadline = time.monotonic() + patience
    while not operation["done"] and "error" not in operation:
        if time.monotonic() > deadline:
            raise TimeoutError(f"operation {operation['id']} takes too long")
        time.sleep(3)
        operation = call("GET", f"{url}/operations/{operation['id']}", token)
    return operation


def bake(url, token):
    """Create an image, wait for it, and return its id."""
    operation = call("POST", f"{url}/compute/v1/images", token, BODY, key=str(uuid.uuid4()))
    try:
        operation = wait(url, token, operation, patience=300)
    except (requests.RequestException, TimeoutError):
        headers = {"Authorization": f"Bearer {token}"}
        operation = requests.get(f"{url}/operations/{operation['id']}:cancel", headers=headers, timeout=30).json()
        operation = wait(url, token, operation, patience=60)
    if "error" in operation:
        raise RuntimeError(operation["error"]["message"])
    return operation["metadata"]["imageId"]
