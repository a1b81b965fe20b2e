"""The contract of `closeknit coach read --jsonl`: a line in, a line out, in order, as they come."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .reading import Reading

Asked = tuple[str, str | None]
#: How many lines are read ahead, and how many characters go through the network at once.
AHEAD, MOST = 64, 40_000
_END = object()


class LineError(ValueError):
    """A line that is not what the contract says."""


def parse(line: str) -> tuple[Any, Asked]:
    """(id, (text, reply_to)) of a line. Raises LineError, whose second argument is the id as far as known."""
    try:
        one = json.loads(line)
    except (ValueError, RecursionError):
        raise LineError("this line is not JSON", None) from None
    if not isinstance(one, dict):
        raise LineError("a line holds one object with id, text and reply_to", None)
    text, reply = one.get("text"), one.get("reply_to")
    if not isinstance(text, str):
        raise LineError("text is missing, or no string", one.get("id"))
    if not (reply is None or isinstance(reply, str)):
        raise LineError("reply_to is neither a string nor null", one.get("id"))
    return one.get("id"), (text, reply)


def _together(lines: Iterable[str]) -> Iterator[list[str]]:
    """Lines as they come: one if only one is there, more where more wait. Never more than AHEAD are held."""
    waiting: queue.Queue[Any] = queue.Queue(maxsize=AHEAD)

    def fill() -> None:
        try:
            for line in lines:
                waiting.put(line)
        except Exception as error:
            waiting.put(error)
        waiting.put(_END)

    threading.Thread(target=fill, daemon=True).start()
    ended = False
    while not ended:
        found: list[str] = []
        one = waiting.get()
        while True:
            if one is _END:
                ended = True
                break
            if isinstance(one, Exception):
                if found:
                    yield found
                raise one
            if one.strip():
                found.append(one)
            if len(found) >= AHEAD or sum(map(len, found)) > MOST:
                break
            try:
                one = waiting.get_nowait()
            except queue.Empty:
                break
        if found:
            yield found


def answer(
    lines: Iterable[str],
    read_all: Callable[[Sequence[Asked]], Sequence[Reading]],
    tips: Callable[[str, Reading, Reading | None], list[dict[str, Any]]],
) -> Iterator[str]:
    """For each line that is not blank one line of JSON: id, reading and tips, or id and error. In order; whoever sends one
    line and waits gets its answer before sending the next. tips: of a text, its reading, and one of what it answers."""
    for batch in _together(lines):
        asked: list[tuple[Any, Asked | None, str]] = []
        for line in batch:
            try:
                asked.append((*parse(line), ""))
            except LineError as error:
                asked.append((error.args[1], None, error.args[0]))
        whole = [one for _id, one, _error in asked if one is not None]
        replies = [(reply, None) for _text, reply in whole if reply]
        found_all = read_all([*whole, *replies])
        readings, heard = iter(found_all), iter(found_all[len(whole) :])
        for name, one, wrong in asked:
            if one is None:
                found: dict[str, Any] = {"id": name, "error": wrong}
            else:
                seen = next(readings)
                about = next(heard) if one[1] else None
                found = {"id": name, "reading": seen.as_json(), "tips": tips(one[0], seen, about)}
            yield json.dumps(found, ensure_ascii=False)
