"""What is inside an envelope: one version byte, then compact JSON. Readers bring old versions up for ever."""

from __future__ import annotations

import json
from typing import Any

from .errors import DoesNotOpen

Payload = dict[str, Any]


def pack(data: Payload, version: int = 1) -> bytes:
    """Bytes for sealing. version: 1 to 255, of this place's payload."""
    if not 1 <= version <= 255:
        raise ValueError("payload version out of range")
    return bytes((version,)) + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def unpack(raw: bytes) -> tuple[int, Payload]:
    """(version, data). Raises DoesNotOpen if the bytes are no payload."""
    try:
        data = json.loads(raw[1:].decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise DoesNotOpen("does not open") from None
    if raw[0] == 0 or not isinstance(data, dict):
        raise DoesNotOpen("does not open")
    return raw[0], data
