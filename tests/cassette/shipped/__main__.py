"""Makes the cassettes that are shipped, anew: `make cassettes`. A test holds them to what this makes."""

from __future__ import annotations

from pathlib import Path

from tests.cassette.shipped.making import make_all

make_all(Path(__file__).parents[3] / "cassettes")
