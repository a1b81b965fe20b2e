"""Every address that has an id in its path, with the names of those ids."""

from __future__ import annotations

from typing import Any

from django.urls import URLResolver, get_resolver


def addresses(patterns: Any = None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for pattern in patterns or get_resolver().url_patterns:
        if isinstance(pattern, URLResolver):
            found |= addresses(pattern.url_patterns)
        elif any(key.endswith("_id") for key in pattern.pattern.converters):
            found[pattern.name] = tuple(pattern.pattern.converters)
    return found
