"""Readings without the trained model: scores that say what a test wants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from closeknit.coach import cues, reading
from closeknit.coach.heads import EMPATHY, LEVELS, NAMES, PLACE
from closeknit.coach.labels import Label, Risk
from closeknit.coach.reading import Reading, Silence
from closeknit.coach.training.settle import BINARY

SETTLED: dict[str, Any] = {
    "binary": {name: {"slope": 1.0, "shift": 0.0, "threshold": 0.5} for name in BINARY},
    "levels": {task: {"temperature": 1.0, "shifts": [0.0] * LEVELS} for task in EMPATHY},
    "marks": dict.fromkeys(EMPATHY, 0.0),
}


def row(*over: str, by: float = 3.0) -> np.ndarray:
    """Scores in which these outputs are likely and no others."""
    found = np.full(len(NAMES), -by, dtype=np.float32)
    for name in over:
        found[PLACE[name]] = by
    for name in ("intimacy", "politeness"):
        found[PLACE[name]] = 0.0
    for task in EMPATHY:
        if not any(name.startswith(f"{task}:") for name in over):
            found[PLACE[f"{task}:0"]] = by
    return found


def read(text: str, *over: str, by: float = 3.0, silence: Silence | None = None) -> Reading:
    """A reading of a text in which these outputs hold."""
    seen = () if silence else cues.find(text)
    return reading.make(row(*over, by=by), SETTLED, spans={}, cues=seen, silence=silence)


class Stub:
    """Reads by a few plain words, so that what stands around the reader can be tested."""

    WORDS = {
        "never": Label.CRITICISM,
        "pathetic": Label.CONTEMPT,
        "felt": Label.FEELING,
        "it sounds like": Label.REFLECTION,
        "makes sense": Label.VALIDATION,
        "you should": Label.ADVICE,
        "what was": Label.OPEN_QUESTION,
        "i need": Label.NEED,
        "sorry": Label.REPAIR,
        "want to die": Risk.SELF_HARM,
        "hits me": Risk.VIOLENCE,
        "afraid of him": Risk.FEAR_OF_SOMEONE,
    }

    def read(self, text: str, reply_to: str | None = None) -> Reading:
        """What its words say."""
        return self.read_all([(text, reply_to)])[0]

    def read_all(self, texts: Sequence[tuple[str, str | None]]) -> list[Reading]:
        """What its words say, for each."""
        return [read(text, *self._seen(text), silence=None if text.strip() else Silence.EMPTY) for text, _reply in texts]

    def _seen(self, text: str) -> Iterable[str]:
        return [str(label) for word, label in self.WORDS.items() if word in text.lower()]
