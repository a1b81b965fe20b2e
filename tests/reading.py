"""How hard a text is to read, by textstat."""

from __future__ import annotations

import importlib.resources
import sys
from types import ModuleType
from typing import BinaryIO


def _stream(package: str, name: str) -> BinaryIO:
    return importlib.resources.files(package).joinpath(name).open("rb")


def _textstat() -> ModuleType:
    """textstat 0.7.4 opens its word lists by pkg_resources, which setuptools no longer has: lend it the one function."""
    if "textstat" not in sys.modules:
        lent = ModuleType("pkg_resources")
        lent.resource_stream = _stream
        kept = sys.modules.get("pkg_resources")
        sys.modules["pkg_resources"] = lent
        try:
            import textstat  # noqa: F401
        finally:
            if kept is None:
                del sys.modules["pkg_resources"]
            else:
                sys.modules["pkg_resources"] = kept
    return sys.modules["textstat"]


def grade(text: str) -> float:
    """The Flesch-Kincaid grade of a text: the school year that reads it with ease."""
    return float(_textstat().textstat.flesch_kincaid_grade(text))
