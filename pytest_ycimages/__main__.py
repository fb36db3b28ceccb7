"""`python -m pytest_ycimages`: the `ycimages` command, also where its script is not on the PATH."""

from __future__ import annotations

from pytest_ycimages.cli import main

if __name__ == "__main__":
    main()
