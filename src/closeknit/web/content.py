"""Where the content packs are: inside the wheel, or beside the source."""

from functools import cache
from pathlib import Path


@cache
def content_root() -> Path:
    """The folder of our own packs."""
    packaged = Path(__file__).parents[1] / "content"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "content"
