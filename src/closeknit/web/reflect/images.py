"""A picture that somebody brings, made safe: known by its bytes, small, and without anything but its pixels.

A photograph tells where and when it was taken, and with what. Nothing of that stays: the pixels are copied onto an empty
sheet and pressed anew. What is not a JPEG, PNG or WebP picture, whatever its name says, is refused before it is unpacked,
and so is one whose head promises more pixels than fit here.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from threading import BoundedSemaphore

from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_BYTES = 12 * 1024 * 1024
#: A JPEG is unpacked at a fraction of its size; the others need four bytes for each of their pixels.
MOST_PIXELS = {"JPEG": 120_000_000, "MPO": 120_000_000, "PNG": 25_000_000, "WEBP": 25_000_000}
#: The longer side of what is kept, in pixels.
SIDE = 1600
#: Tried in turn until the bytes fit: side, quality.
STEPS = ((SIDE, 82), (SIDE, 70), (1200, 65), (900, 60))
MOST_KEPT = 600 * 1024

#: One picture at a time in a process, so that several large ones together do not fill its memory.
_one_at_a_time = BoundedSemaphore(1)
PATIENCE_SECONDS = 10.0


class Unusable(Exception):
    """No picture that can be kept. why: `kind`, `size`, `pixels`, `broken` or `busy`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Made:
    """A JPEG with nothing in it but pixels. wide, high: in pixels."""

    jpeg: bytes
    wide: int
    high: int


def made_safe(raw: bytes, *, as_kept: bool = False) -> Made:
    """The picture in `raw`, upright, with a longer side of at most 1600 pixels, as a JPEG of at most 600 KiB.

    as_kept: it is said to be one that this made before, in a copy with many; what is larger than that, or no JPEG, is
    refused before it is unpacked. Raises Unusable.
    """
    if len(raw) > (MOST_KEPT if as_kept else MOST_BYTES):
        raise Unusable("size")
    if not _one_at_a_time.acquire(timeout=PATIENCE_SECONDS):
        raise Unusable("busy")
    try:
        return _pressed(_bare(raw, {"JPEG": SIDE * SIDE} if as_kept else MOST_PIXELS))
    except (Unusable, MemoryError):
        raise
    except Exception:
        # What a made-up file can set off in a decoder is a long list, and to its sender it is all the same.
        raise Unusable("broken") from None
    finally:
        _one_at_a_time.release()


def _bare(raw: bytes, most: dict[str, int]) -> Image.Image:
    """Its pixels alone, upright, on white where it was clear. most: how many there may be, by format."""
    try:
        opened = Image.open(io.BytesIO(raw), formats=[one for one in FORMATS if one in most])
    except Image.DecompressionBombError:
        raise Unusable("pixels") from None
    except (OSError, SyntaxError, ValueError):
        raise Unusable("kind") from None
    with opened:
        # Only the head is read so far.
        if opened.width * opened.height > most.get(opened.format or "", 0):
            raise Unusable("pixels")
        opened.draft("RGB", (2 * SIDE, 2 * SIDE))
        opened.load()
        turned = ImageOps.exif_transpose(opened)
        turned.thumbnail((SIDE, SIDE))
        bare = Image.new("RGB", turned.size, "white")
        if turned.has_transparency_data:
            clear = turned.convert("RGBA")
            bare.paste(clear, mask=clear)
        else:
            bare.paste(turned.convert("RGB"))
        return bare


def _pressed(bare: Image.Image) -> Made:
    for side, quality in STEPS:
        bare.thumbnail((side, side))
        out = io.BytesIO()
        bare.save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= MOST_KEPT:
            return Made(out.getvalue(), bare.width, bare.height)
    raise Unusable("size")
