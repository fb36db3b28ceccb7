"""What stands in a cassette where a secret was. The one thing that scrubbing and its detector both know."""

from __future__ import annotations

from typing import Final

SCRUBBED: Final = "~SCRUBBED~"
"""In place of any secret. It needs no escaping in JSON, in a URL or in a header.

A tilde is in the alphabet of no token that is known by its shape, so what is put in never makes a new one.
"""

IAM_TOKEN: Final = f"t1.SCRUBBED.{('SCRUBBED' * 11)[:85]}A"
"""In place of an IAM token in an answer, of the shape that clients check: base64url, and 86 characters of it."""

EXPIRES_AT: Final = "2099-12-31T23:59:59Z"
"""When that token expires. The recorded moment would be over when it is replayed, and clients would ask for ever."""

PLACEHOLDERS: Final = (IAM_TOKEN, SCRUBBED)
