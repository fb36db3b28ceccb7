"""Which decimal numerals lie in a range, as a regular expression: JSON Schema cannot compare the numbers in strings."""

from __future__ import annotations


def numerals(least: int, most: int) -> str:
    """A pattern, without anchors, of the numbers from `least`, which is more than zero, to `most`."""
    patterns = []
    for size in range(len(str(least)), len(str(most)) + 1):
        low = str(max(least, 10 ** (size - 1)))
        high = str(min(most, 10**size - 1))
        patterns.append(_between(low, high))
    return "|".join(patterns)


def _between(low: str, high: str) -> str:
    """The numerals from `low` to `high`, which have the same number of digits."""
    if set(low) <= {"0"} and set(high) <= {"9"}:
        return _digits("0", "9", len(low))
    first, last = low[0], high[0]
    if first == last:
        return first + _group(_between(low[1:], high[1:]))
    parts = []
    if set(low[1:]) - {"0"}:
        parts.append(first + _group(_between(low[1:], "9" * len(low[1:]))))
        first = chr(ord(first) + 1)
    rest = ""
    if set(high[1:]) - {"9"}:
        rest = last + _group(_between("0" * len(high[1:]), high[1:]))
        last = chr(ord(last) - 1)
    if first <= last:
        parts.append(_digits(first, last, 1) + _digits("0", "9", len(low) - 1))
    return "|".join([*parts, rest] if rest else parts)


def _digits(first: str, last: str, count: int) -> str:
    digit = first if first == last else f"[{first}-{last}]"
    return digit if count == 1 else f"{digit}{{{count}}}" if count else ""


def _group(pattern: str) -> str:
    return f"({pattern})" if "|" in pattern else pattern
