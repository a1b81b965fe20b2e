"""The public sets that the coach learns from, each as its authors published it, in a folder of its own name.

Every loader gives examples with a `group`: what must not be split between training and judging (a thread, a post, a
dialogue). Names of writers and of raters are dropped here and never reach anything else. Nothing of the texts goes
into the repository; docs/coach-labels.md says which set teaches what.

All loaders raise SetError for a file that is not what its authors describe, and OSError.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

csv.field_size_limit(1 << 20)

EMPATHY = {
    "emotional_reaction": "emotional-reactions.csv",
    "interpretation": "interpretations.csv",
    "exploration": "explorations.csv",
}
SUPPORT = {
    "emotional_disclosure": "Emotional_disclosure",
    "informational_disclosure": "Information_disclosure",
    "emotional_support": "Emo_support",
    "informational_support": "Info_support",
}
EMOTIONS = 28


class SetError(ValueError):
    """A set that is not as it should be; says where."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what is known of it. targets: a number for each task (0 or 1, a level 0 to 2, or a score); spans: for a
    task, the stretches of `text` that its raters marked, in characters."""

    text: str
    group: str
    targets: dict[str, float]
    reply_to: str | None = None
    spans: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def shows(self, task: str, places: Sequence[tuple[int, int]]) -> list[bool]:
        """Which of these stretches of `text`, in characters, its raters marked for a task, wholly or in part."""
        spans = self.spans.get(task, ())
        return [any(begin < until and end > since for since, until in spans) for begin, end in places]


# -- reading ----------------------------------------------------------------------------------------------------------


def _rows(path: Path, *, tabs: bool = False, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """(where, row) of a file with a header. tabs: separated by tabs, without quoting."""
    with path.open(encoding="utf-8-sig", newline="") as source:
        rows = csv.DictReader(source, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.DictReader(source)
        lacking = [name for name in columns if name not in (rows.fieldnames or ())]
        if lacking:
            raise SetError(f"{path.name} has no column {lacking[0]}")
        for number, row in enumerate(rows, 2):
            if any(row[name] is None for name in columns):
                raise SetError(f"{path.name}:{number} is cut short")
            yield f"{path.name}:{number}", row


def _plain_rows(path: Path, columns: int) -> Iterator[tuple[str, list[str]]]:
    """(where, cells) of a file of cells separated by tabs, without header or quoting."""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        cells = line.split("\t")
        if len(cells) != columns:
            raise SetError(f"{path.name}:{number} has {len(cells)} cells instead of {columns}")
        yield f"{path.name}:{number}", cells


def _number(where: str, raw: str, allowed: tuple[float, ...] | None = None) -> float:
    try:
        value = float(raw)
    except ValueError:
        raise SetError(f"{where}: {raw!r} is no number") from None
    if allowed is not None and value not in allowed:
        raise SetError(f"{where}: {raw} is none of {allowed}")
    return value


def normalise(text: str) -> str:
    """Lower case, letters and digits alone: texts that differ in nothing else are the same."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


_APART = (
    (re.compile(r"\s+([.,;:!?%)\]}’”])"), r"\1"),
    (re.compile(r"([(\[{“‘$#])\s+"), r"\1"),
    (re.compile(r"\b(\w+?) (n['’]?t)\b", re.IGNORECASE), r"\1\2"),
    (re.compile(r"\b(\w+) (['’](?:s|m|re|ve|ll|d))\b", re.IGNORECASE), r"\1\2"),
    (re.compile(r"\b(can|gon|wan|got) (not|na|ta)\b", re.IGNORECASE), r"\1\2"),
)


def joined(text: str) -> str:
    """A text that was taken apart for counting, as people write it: "do n't stop ." becomes "don't stop."."""
    for pattern, instead in _APART:
        text = pattern.sub(instead, text)
    return re.sub(r"\s+", " ", text).strip()


def _code_points(text: str) -> str:
    """<U+0092> and its like, as the characters that Windows meant by them."""

    def character(found: re.Match[str]) -> str:
        code = int(found.group(1), 16)
        if 0x80 <= code <= 0x9F:
            return bytes([code]).decode("cp1252", errors="replace")
        return chr(code) if code < 0x110000 else ""

    return re.sub(r"<U\+([0-9A-Fa-f]{4,8})>", character, text)


# -- the sets ---------------------------------------------------------------------------------------------------------


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _stretches(text: str, marked: str) -> tuple[tuple[int, int], ...]:
    """Where the quoted pieces stand in the text, each looked for after the one before, or from its beginning."""
    found, after = [], 0
    for piece in map(_spaced, marked.split("|")):
        if not piece:
            continue
        start = text.find(piece, after)
        start = text.find(piece) if start < 0 else start
        if start >= 0:
            after = start + len(piece)
            found.append((start, after))
    return tuple(sorted(found))


def epitome(folder: Path) -> list[Example]:
    """Posts and responses with a level (0 none, 1 weak, 2 strong) of each of three ways of empathy and the words that show
    it (Sharma et al. 2020). Grouped by the post that is answered; posts that differ in nothing but marks are one group.

    The three files hold the same pairs, with other spaces here and there and a few small differences; the first one's
    words count."""
    found: list[Example] = []
    pairs: list[tuple[str, str]] = []
    columns = ("sp_id", "rp_id", "seeker_post", "response_post", "level", "rationales")
    for task, name in EMPATHY.items():
        rows = list(_rows(folder / name, columns=columns))
        if found and len(rows) != len(found):
            raise SetError(f"{name} has {len(rows)} pairs, another file {len(found)}")
        for index, (where, row) in enumerate(rows):
            level, pair = _number(where, row["level"], (0, 1, 2)), (row["sp_id"], row["rp_id"])
            if len(found) <= index:
                post = _spaced(row["seeker_post"])
                found.append(Example(_spaced(row["response_post"]), normalise(post), {}, post))
                pairs.append(pair)
            if pairs[index] != pair:
                raise SetError(f"{where} is another pair than in the other files")
            one = found[index]
            one.targets[task] = level
            one.spans[task] = _stretches(one.text, row["rationales"]) if level else ()
    return found


def offmychest(folder: Path) -> list[Example]:
    """Sentences with disclosure and support, two kinds of each (Jaidka et al. 2020): the training file, grouped by thread."""
    found = []
    columns = ("full_text", "id", *SUPPORT.values())
    for where, row in _rows(folder / "labeled_training_set.csv", columns=columns):
        targets = {task: _number(where, row[column], (0, 1)) for task, column in SUPPORT.items()}
        found.append(Example(_code_points(row["full_text"]).strip(), row["id"], targets))
    return found


def advice(folder: Path, forum: str, part: str) -> list[Example]:
    """Sentences that are advice or not (Govindarajan et al. 2020). forum: "needadvice" or "askparents"; part: "train" or
    "dev". Grouped by post."""
    found = []
    for where, row in _rows(folder / f"{forum}_{part}.tsv", tabs=True, columns=("ID", "DS_Label", "Sentence")):
        label = _number(where, row["DS_Label"], (0, 1))
        found.append(Example(joined(row["Sentence"]), row["ID"].split("-")[0], {"advice": label}))
    return found


def emotions(folder: Path, part: str) -> list[Example]:
    """Comments with any of 28 emotions (Demszky et al. 2020). part: "train" or "dev"; each comment is its own group."""
    names = (folder / "labels.txt").read_text("utf-8").split()
    if len(names) != EMOTIONS:
        raise SetError(f"labels.txt has {len(names)} emotions instead of {EMOTIONS}")
    found = []
    for where, (text, raw, comment) in _plain_rows(folder / f"{part}.tsv", 3):
        held = {int(_number(where, one, tuple(range(EMOTIONS)))) for one in raw.split(",")}
        found.append(Example(text, comment, {f"emotion:{name}": float(i in held) for i, name in enumerate(names)}))
    return found


def intimacy(folder: Path, part: str) -> list[Example]:
    """Questions with how intimate they are, about -1 to 1 (Pei and Jurgens 2020). part: "train" or "val"."""
    found = []
    for where, (text, raw) in _plain_rows(folder / f"final_{part}.txt", 2):
        score = _number(where, raw)
        if not -1 <= score <= 1:
            raise SetError(f"{where}: {raw} lies outside -1 to 1")
        found.append(Example(text, normalise(text), {"intimacy": score}))
    return found


def politeness(folder: Path, place: str) -> list[Example]:
    """Requests with how polite strangers found them, as a z-score (Danescu-Niculescu-Mizil et al. 2013). place:
    "wikipedia" or "stack-exchange". Grouped by text, since some stand there twice."""
    found = []
    for where, row in _rows(folder / f"{place}.annotated.csv", columns=("Request", "Normalized Score")):
        text = row["Request"].strip()
        found.append(Example(text, normalise(text), {"politeness": _number(where, row["Normalized Score"])}))
    return found


def quarters(examples: list[Example]) -> list[Example]:
    """Of requests, the most polite quarter (1) and the least polite (0): the task as it is published."""
    order = sorted(examples, key=lambda one: one.targets["politeness"])
    size = len(order) // 4
    kept = [(one, 0.0) for one in order[:size]] + [(one, 1.0) for one in order[len(order) - size :]]
    return [Example(one.text, one.group, {"polite": polite}) for one, polite in kept]


def needs(folder: Path, part: str) -> list[Example]:
    """Turns of people who bargain, with whether they name a need of their own or ask for the other's (Chawla et al. 2021).
    part: "train" or "valid". Grouped by dialogue; the turn before is what is answered."""
    found = []
    for dialogue in json.loads((folder / f"casino_{part}.json").read_text("utf-8")):
        before = None
        for turn in dialogue.get("annotations", ()):
            try:
                text, raw = turn
            except ValueError:
                raise SetError(f"casino_{part}.json: a turn of dialogue {dialogue.get('dialogue_id')} is no pair") from None
            held = {one.strip() for one in raw.split(",")}
            targets = {"self_need": float("self-need" in held), "asks_need": float("elicit-pref" in held)}
            found.append(Example(text, str(dialogue["dialogue_id"]), targets, before))
            before = text
    return found
