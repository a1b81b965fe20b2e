"""What is learnt from, as tensors: every example of every set in one table, so that a batch is a choice of rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from closeknit.coach.heads import DEPTHS, EMPATHY, LEVELS, NAMES, PLACE
from closeknit.coach.pieces import Cutter

from .sets import Example
from .tasks import WEIGHT, first_pieces

#: Of these outputs one holds at a time.
CHOICES = (*(tuple(f"{task}:{level}" for level in range(LEVELS)) for task in EMPATHY), DEPTHS)
SCALES = ("intimacy", "politeness")
#: What a scale's number is divided by, so that both run from about -1 to 1.
STRETCH = {"intimacy": 1.0, "politeness": 2.0}
#: How much each level weighs: few responses are of the middle one, and it counts as much as the others.
LEVEL_WEIGHTS = {"emotional_reaction": (1.0, 1.0, 1.6), "interpretation": (1.0, 2.5, 1.0), "exploration": (1.0, 2.0, 1.0)}
#: A yes-no output of these sets weighs one part in so many; of the others, one in as many as the set has.
SUMMED = {"own": 4.0, "emotions": 5.0}
SCALE_WEIGHT, DEPTH_WEIGHT, SMOOTHING = 4.0, 0.5, 0.03


def _runs() -> list[tuple[int, int, str]]:
    """(first, last + 1, how) of outputs that stand together and are asked alike: "choice", "scale" or "yes or no"."""
    starts = {PLACE[names[0]]: (len(names), "choice") for names in CHOICES} | {PLACE[name]: (1, "scale") for name in SCALES}
    found, at = [], 0
    while at < len(NAMES):
        if at in starts:
            size, how = starts[at]
        else:
            size, how = min([one for one in starts if one > at] + [len(NAMES)]) - at, "yes or no"
        found.append((at, at + size, how))
        at += size
    return found


_RUNS = _runs()


def kind_of(name: str) -> str:
    """The set's kind: "politeness-wikipedia" is of the kind "politeness"."""
    return name.split("-")[0]


@dataclass
class Table:
    """Rows of examples. ids, types (rows, tokens), sizes (rows): a piece each. wanted, weight (rows, len(NAMES)): what each
    output should be, and how much that counts (0: nobody said). marked (rows, tokens, 3): which tokens show which way of
    empathy; counted (rows, 3): whether anybody said so. places: the rows of each set."""

    ids: Tensor
    types: Tensor
    sizes: Tensor
    wanted: Tensor
    weight: Tensor
    marked: Tensor
    counted: Tensor
    places: dict[str, range]

    def to(self, device: str) -> Table:
        """The same on another device; the sizes stay where they are, for planning."""
        names = ("ids", "types", "wanted", "weight", "marked", "counted")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})

    @property
    def texts(self) -> str:
        """Names the texts and their order, so that what was said of others is not taken for what was said of these."""
        return hashlib.sha256(self.ids.cpu().numpy().tobytes()).hexdigest()

    def usual_weight(self) -> Tensor:
        """How much each output counts where somebody said how it is, (len(NAMES),). Whoever says it, it is the same."""
        return self.weight.amax(0)


def _aims(one: Example, kind: str) -> tuple[dict[str, float], dict[str, float]]:
    """(what each output should be, how much that counts) of one example."""
    wanted: dict[str, float] = {}
    weight: dict[str, float] = {}
    yes_no = [name for name in one.targets if name in PLACE and name not in SCALES and name not in DEPTHS]
    for name in yes_no:
        wanted[name], weight[name] = one.targets[name], 1 / SUMMED.get(kind, len(yes_no))
    for task in EMPATHY:
        if task in one.targets:
            for level in range(LEVELS):
                holds = float(int(one.targets[task]) == level)
                wanted[f"{task}:{level}"] = (1 - SMOOTHING) * holds + SMOOTHING / LEVELS
                weight[f"{task}:{level}"] = LEVEL_WEIGHTS[task][level]
    for name in SCALES:
        if name in one.targets:
            wanted[name], weight[name] = one.targets[name] / STRETCH[name], SCALE_WEIGHT
    if DEPTHS[0] in one.targets:
        for name in DEPTHS:
            wanted[name], weight[name] = one.targets[name], DEPTH_WEIGHT
    return wanted, {name: value * WEIGHT.get(kind, 1.0) for name, value in weight.items()}


def tabulate(parts: dict[str, list[Example]], cutter: Cutter) -> Table:
    """All examples in one table, set after set."""
    examples = [(one, kind_of(name)) for name in sorted(parts) for one in parts[name]]
    pieces = first_pieces([one for one, _kind in examples], cutter)
    rows, longest = len(pieces), max(len(piece.ids) for piece in pieces)
    ids, types = torch.zeros(rows, longest, dtype=torch.int32), torch.zeros(rows, longest, dtype=torch.int8)
    wanted, weight = torch.zeros(rows, len(NAMES)), torch.zeros(rows, len(NAMES))
    marked = torch.zeros(rows, longest, len(EMPATHY), dtype=torch.bool)
    counted = torch.zeros(rows, len(EMPATHY), dtype=torch.bool)
    for row, ((one, kind), piece) in enumerate(zip(examples, pieces, strict=True)):
        size = len(piece.ids)
        ids[row, :size] = torch.tensor(piece.ids, dtype=torch.int32)
        types[row, :size] = torch.tensor(piece.types, dtype=torch.int8)
        aims, counts = _aims(one, kind)
        at = [PLACE[name] for name in aims]
        wanted[row, at], weight[row, at] = torch.tensor(list(aims.values())), torch.tensor(list(counts.values()))
        for place, task in enumerate(EMPATHY):
            if one.spans.get(task):
                shown = torch.tensor(one.shows(task, piece.offsets))
                marked[row, piece.start : piece.start + len(shown), place] = shown
                counted[row, place] = True
    places, start = {}, 0
    for name in sorted(parts):
        places[name] = range(start, start + len(parts[name]))
        start += len(parts[name])
    return Table(ids, types, torch.tensor([len(one.ids) for one in pieces]), wanted, weight, marked, counted, places)


def cells(scores: Tensor, wanted: Tensor) -> Tensor:
    """How far each output is off, (rows, len(NAMES)); wanted may lie between what holds and what does not."""
    parts = []
    for first, last, how in _RUNS:
        score, aim = scores[:, first:last], wanted[:, first:last]
        if how == "choice":
            parts.append(-aim * functional.log_softmax(score, dim=-1))
        elif how == "scale":
            parts.append((score - aim) ** 2)
        else:
            parts.append(functional.binary_cross_entropy_with_logits(score, aim, reduction="none"))
    return torch.cat(parts, dim=-1)


def held_as(scores: Tensor) -> Tensor:
    """Scores as what another network may be asked to give: probabilities of yes-no outputs and of choices; scales as they
    are."""
    parts = []
    for first, last, how in _RUNS:
        score = scores[:, first:last]
        parts.append(score if how == "scale" else score.softmax(-1) if how == "choice" else score.sigmoid())
    return torch.cat(parts, dim=-1)
