"""Every word that the program says to people, with where it stands: from templates and from Python, without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pyphen
from django.utils.translation.template import templatize

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

_SYLLABLES = pyphen.Pyphen(lang="en_US")


def plain(message: str) -> str:
    """A message as it is read: a name for each placeholder, no tags."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"%\(\w+\)[sd]|%[sd]", "Ana", message)).replace("%%", "%")


def sentences(message: str) -> list[list[str]]:
    """The words of each sentence. A colon ends one, too: what follows is read anew."""
    parts = re.split(r"(?<=[.?!…:;])\s+", plain(message))
    found = [re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", part) for part in parts]
    return [words for words in found if words]


def grade(texts: list[str]) -> float:
    """The Flesch-Kincaid grade of texts together: the school year that reads them without effort."""
    every = [words for text in texts for words in sentences(text)]
    words = [word for sentence in every for word in sentence]
    syllables = sum(len(_SYLLABLES.positions(word)) + 1 for word in words)
    return 0.39 * len(words) / len(every) + 11.8 * syllables / len(words) - 15.59
