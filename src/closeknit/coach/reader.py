"""The reader: the trained network on a processor. It keeps nothing of what it reads, and knows no network but this one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from . import cues, language, reading
from .heads import EMPATHY
from .pieces import Cutter, Piece
from .reading import Reading, Scores, Silence
from .words import WordPieces

#: The files of a packaged model; `manifest.json` beside them holds the SHA-256 of each.
FILES = ("reader.onnx", "vocab.txt", "settled.json")
PACKAGED = Path(__file__).parent / "model"
#: Tokens, padding counted, that go through the network at once: more takes memory and gains no time on a processor.
AT_ONCE = 1024
#: Marked words this near each other, in characters, are one stretch.
_NEAR = 2


class ModelError(RuntimeError):
    """The model is not there, or not the one that was packaged."""


def _checked(folder: Path) -> None:
    try:
        wanted = json.loads((folder / "manifest.json").read_text("utf-8"))["sha256"]
        for name in FILES:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            if found != wanted[name]:
                raise ModelError(f"{name} is not the file that was packaged")
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"the coach's model is not whole: {error}") from None


def session(model: Path, *, threads: int) -> Any:
    """A network ready to run on this many processor cores."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def run(network: Any, pieces: Sequence[Piece]) -> tuple[Scores, Scores]:
    """(scores (pieces, len(NAMES)), marks (pieces, tokens, 3)) of some pieces, padded to the longest."""
    shape = (len(pieces), max(len(piece.ids) for piece in pieces))
    ids, types, mask = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for row, piece in enumerate(pieces):
        size = len(piece.ids)
        ids[row, :size], types[row, :size], mask[row, :size] = piece.ids, piece.types, 1
    scores, marks = network.run(None, {"input_ids": ids, "token_type_ids": types, "attention_mask": mask})
    return np.asarray(scores), np.asarray(marks)


class Reader:
    """Reads texts. One a process is enough; it may be used by several threads at once.

    folder: with FILES and their manifest. threads: how many processor cores one reading may take.
    Raises ModelError if a file is missing or has another hash.
    """

    def __init__(self, folder: Path = PACKAGED, *, threads: int = 1) -> None:
        _checked(folder)
        self._cutter = Cutter(WordPieces.load(folder / "vocab.txt"))
        self._settled: dict[str, Any] = json.loads((folder / "settled.json").read_text("utf-8"))
        self._session = session(folder / "reader.onnx", threads=threads)

    def read(self, text: str, reply_to: str | None = None) -> Reading:
        """What is seen in one text, read as an answer to `reply_to` where there is one. Any length; never raises for a
        text's sake."""
        return self.read_all([(text, reply_to)])[0]

    def read_all(self, texts: Sequence[tuple[str, str | None]]) -> list[Reading]:
        """Readings of many (text, reply_to), in order; those of like length go through the network together."""
        cut = [self._cutter.cut(text, reply) for text, reply in texts]
        pieces = [(at, piece) for at, of_text in enumerate(cut) for piece in of_text]
        order = sorted(range(len(pieces)), key=lambda number: len(pieces[number][1].ids))
        rows: dict[int, Scores] = {}
        stretches: dict[int, dict[str, list[tuple[int, int]]]] = {}
        for chosen in _batches(order, [len(piece.ids) for _at, piece in pieces]):
            scores, marks = run(self._session, [pieces[number][1] for number in chosen])
            for place, number in enumerate(chosen):
                rows[number] = scores[place]
                stretches[number] = self._marked(pieces[number][1], marks[place])
        found, number = [], 0
        for (text, _reply), of_text in zip(texts, cut, strict=True):
            own = range(number, number + len(of_text))
            number += len(of_text)
            row = reading.joined(np.stack([rows[one] for one in own]), [len(piece.offsets) for piece in of_text])
            spans = {task: _merged([span for one in own for span in stretches[one][task]]) for task in EMPATHY}
            silence = _silence(text)
            seen = () if silence else cues.find(text)
            found.append(reading.make(row, self._settled, spans=spans, cues=seen, silence=silence))
        return found

    def _marked(self, piece: Piece, marks: Scores) -> dict[str, list[tuple[int, int]]]:
        own = marks[piece.start : piece.start + len(piece.offsets)]
        found = {}
        for place, task in enumerate(EMPATHY):
            over = own[:, place] >= self._settled["marks"][task]
            found[task] = [span for span, yes in zip(piece.offsets, over, strict=True) if yes]
        return found


def _silence(text: str) -> Silence | None:
    if not text.strip():
        return Silence.EMPTY
    if not any(one.isalnum() for one in text):
        return Silence.NO_WORDS
    return None if language.is_english(text) else Silence.LANGUAGE


def _batches(order: list[int], sizes: list[int]) -> Iterator[list[int]]:
    """Numbers in `order`, shortest first, in batches of at most AT_ONCE tokens, or of one piece."""
    batch: list[int] = []
    for number in order:
        if batch and (len(batch) + 1) * sizes[number] > AT_ONCE:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _merged(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1] + _NEAR:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)
