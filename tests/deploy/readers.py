"""Small strict readers for the files in deploy/: a slip in one is an error here, not a surprise on somebody's machine."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.services import ROOT

DEPLOY = ROOT / "deploy"


def text(name: str) -> str:
    """One file of deploy/."""
    return (DEPLOY / name).read_text("utf-8")


class Directive(NamedTuple):
    """A directive of nginx or Caddy, with what stands in its braces."""

    name: str
    args: tuple[str, ...]
    block: tuple[Directive, ...] = ()

    def all(self, name: str) -> list[Directive]:
        """The directives of this name right inside."""
        return [one for one in self.block if one.name == name]

    def one(self, name: str, *args: str) -> Directive:
        """The only directive of this name, or with these first arguments, right inside."""
        (found,) = (one for one in self.all(name) if one.args[: len(args)] == args)
        return found

    def walk(self) -> list[Directive]:
        """Everything inside, at any depth."""
        return [deeper for one in self.block for deeper in (one, *one.walk())]


_NGINX = re.compile(r'#[^\n]*|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|[{};]|[^\s{};"\']+')


def nginx(source: str) -> Directive:
    """nginx's format: words, then `;` or a block. ValueError where a brace or semicolon is missing."""
    stack: list[list[Directive]] = [[]]
    heads: list[list[str]] = []
    words: list[str] = []
    for token in _NGINX.findall(source):
        if token.startswith("#"):
            continue
        if token == "{":
            heads.append(words)
            stack.append([])
            words = []
        elif token == "}":
            if words or len(stack) == 1:
                raise ValueError(f"before }}: {words}")
            inside, head = stack.pop(), heads.pop()
            stack[-1].append(Directive(head[0], tuple(head[1:]), tuple(inside)))
        elif token == ";":
            stack[-1].append(Directive(words[0], tuple(words[1:])))
            words = []
        else:
            words.append(token.strip("\"'"))
    if words or len(stack) != 1:
        raise ValueError(f"at the end: {words}, {len(stack) - 1} braces open")
    return Directive("", (), tuple(stack[0]))


def caddy(source: str) -> Directive:
    """Caddy's format: one directive a line, a block after ` {` at its end, indented with tabs as `caddy fmt` does."""
    stack: list[list[Directive]] = [[]]
    heads: list[list[str]] = []
    for number, line in enumerate(source.splitlines(), 1):
        words = [word.strip('"') for word in re.findall(r'"[^"]*"|#.*|\S+', line) if not word.startswith("#")]
        if not words:
            continue
        if words == ["}"]:
            if len(stack) == 1:
                raise ValueError(f"line {number}: a brace too many")
            inside, head = stack.pop(), heads.pop()
            stack[-1].append(Directive(head[0] if head else "", tuple(head[1:]), tuple(inside)))
        elif line.startswith("\t" * len(heads)) and not line.startswith("\t" * (len(heads) + 1)):
            if words[-1] == "{":
                heads.append(words[:-1])
                stack.append([])
            else:
                stack[-1].append(Directive(words[0], tuple(words[1:])))
        else:
            raise ValueError(f"line {number}: indented as if a brace were missing")
    if len(stack) != 1:
        raise ValueError("a brace is open at the end")
    return Directive("", (), tuple(stack[0]))


def containerfile(source: str) -> list[tuple[str, str]]:
    """Instructions and what follows them, lines joined."""
    found = []
    for line in re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", source)).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            if not re.fullmatch("[A-Z]+", word):
                raise ValueError(f"no instruction: {line}")
            found.append((word, " ".join(rest.split())))
    return found


def unit(source: str) -> dict[str, list[tuple[str, str]]]:
    """A systemd unit: sections of NAME=value, a name as often as it likes."""
    sections: dict[str, list[tuple[str, str]]] = {}
    current: list[tuple[str, str]] | None = None
    for line in source.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            if not line.endswith("]"):
                raise ValueError(line)
            current = sections.setdefault(line[1:-1], [])
        elif current is None or "=" not in line or line != line.strip():
            raise ValueError(line)
        else:
            name, _, value = line.partition("=")
            current.append((name, value))
    return sections
