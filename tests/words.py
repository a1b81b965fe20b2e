"""Every word that the program says to people, with where it stands: from templates and from Python, without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

from closeknit.method import reading

ROOT = Path(__file__).resolve().parents[1] / "src" / "closeknit"
#: The page of all pieces is for those who build; it is not served otherwise.
LEFT_OUT = ("templates/look/style.html",)
_CALLS = {"_", "_g", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "gettext_noop"}
_QUOTED = r"""(?:u?'((?:[^'\\]|\\.)*)'|u?"((?:[^"\\]|\\.)*)")"""
_IN_TEMPLATE = re.compile(rf"\b(?:_|n?gettext|pgettext)\(\s*{_QUOTED}(?:\s*,\s*{_QUOTED})?", re.DOTALL)


def templates() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("templates/**/*.*")) if not str(path).endswith(LEFT_OUT)]


def _from_template(path: Path) -> Iterator[str]:
    for found in _IN_TEMPLATE.finditer(templatize(path.read_text("utf-8"))):
        yield from (ast.literal_eval(f'"""{one}"""') for one in found.groups() if one)


def _from_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            yield from (one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


def said() -> list[tuple[str, str]]:
    """(where, message) of everything that goes through gettext."""
    found = []
    for path in templates():
        found += [(str(path.relative_to(ROOT)), message) for message in _from_template(path)]
    for path in sorted(ROOT.rglob("*.py")):
        found += [(str(path.relative_to(ROOT)), message) for message in _from_python(path)]
    return found


# -- how hard it is to read ---------------------------------------------------------------------------------------------

def plain(message: str) -> str:
    """A message as it is read: a name for each placeholder, no tags."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"%\(\w+\)[sd]|%[sd]", "Ana", message)).replace("%%", "%")


def sentences(message: str) -> list[list[str]]:
    """The words of each sentence of a message as it is read."""
    return reading.sentences(plain(message))


def grade(texts: list[str]) -> float:
    """The grade of messages together, as they are read."""
    return reading.grade(plain(text) for text in texts)
