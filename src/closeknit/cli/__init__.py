"""`closeknit serve | worker | demo | backup | restore | doctor | content | dialogue | coach | invite | host`."""

from __future__ import annotations

# Each adds its commands to `main`.
from . import coach, content, keeping, people, running
from .ground import main

__all__ = ["coach", "content", "keeping", "main", "people", "running"]
