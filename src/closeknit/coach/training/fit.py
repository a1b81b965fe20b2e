"""Learning: batches of one set at a time, mixed over the whole course; seeded, and resumed from its last checkpoint."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from closeknit.coach.heads import EMPATHY, GROUPS, LEVELS, PLACE
from closeknit.coach.pieces import Cutter, Piece

from .net import Network
from .sets import Example
from .tasks import ROUNDS, WEIGHT

ENCODER_RATE, HEAD_RATE, WARM_UP, DECAY, AVERAGE = 2e-4, 6e-4, 0.06, 0.01, 0.998
BATCH = 32
KEEP_EVERY = 300
#: How much each level weighs: few responses are of the middle one, and it counts as much as the others.
LEVEL_WEIGHTS = {"emotional_reaction": (1.0, 1.0, 1.6), "interpretation": (1.0, 2.5, 1.0), "exploration": (1.0, 2.0, 1.0)}
MULTI = (*GROUPS["own"], *GROUPS["support"], *GROUPS["advised"], *GROUPS["emotions"], *GROUPS["needs"])
SUMMED = {"own": 4.0, "emotions": 5.0}


@dataclass(frozen=True)
class Ready:
    """An example cut into its first piece, with its targets as the losses want them."""

    piece: Piece
    targets: dict[str, float]
    marks: dict[str, tuple[tuple[int, int], ...]]


def prepare(examples: list[Example], cutter: Cutter) -> list[Ready]:
    """Examples as the network reads them; of a long text only its first piece."""
    return [Ready(cutter.cut(one.text, one.reply_to)[0], one.targets, one.spans) for one in examples]


def kind_of(name: str) -> str:
    """The set's kind: "politeness-wikipedia" is of the kind "politeness"."""
    return name.split("-")[0]


def plan(sizes: dict[str, list[int]], seed: int, *, rounds: Mapping[str, float] = ROUNDS) -> list[tuple[str, list[int]]]:
    """Which examples of which set each step takes: every set as many rounds as it should have, evenly mixed.
    sizes: for each set, the lengths of its examples. rounds: may be less than one."""
    draw = torch.Generator().manual_seed(seed)

    def mixed(items: list[Any]) -> list[Any]:
        return [items[at] for at in torch.randperm(len(items), generator=draw).tolist()]

    steps: list[tuple[float, str, list[int]]] = []
    for name, lengths in sorted(sizes.items()):
        batches = []
        wanted = rounds[kind_of(name)]
        for _round in range(math.ceil(wanted)):
            order = mixed(list(range(len(lengths))))
            # Neighbours in length share a batch, so that little of it is padding.
            for start in range(0, len(order), BATCH * 20):
                near = sorted(order[start : start + BATCH * 20], key=lengths.__getitem__)
                batches += mixed([near[at : at + BATCH] for at in range(0, len(near), BATCH)])
        batches = batches[: max(1, round(wanted * len(batches) / math.ceil(wanted)))]
        within = torch.rand(len(batches), generator=draw).tolist()
        steps += [((at + within[at]) / len(batches), name, batch) for at, batch in enumerate(batches)]
    return [(name, batch) for _at, name, batch in sorted(steps)]


def tensors(pieces: list[Piece]) -> tuple[Tensor, Tensor, Tensor]:
    """Token numbers, types and mask, padded to the longest piece."""
    longest = max(len(piece.ids) for piece in pieces)
    ids, types, mask = (torch.zeros(len(pieces), longest, dtype=torch.long) for _ in range(3))
    for row, piece in enumerate(pieces):
        size = len(piece.ids)
        ids[row, :size], types[row, :size], mask[row, :size] = torch.tensor(piece.ids), torch.tensor(piece.types), 1
    return ids, types, mask


def _token_loss(batch: list[Ready], marks: Tensor) -> Tensor:
    wanted = torch.zeros(marks.shape)
    counts = torch.zeros(marks.shape)
    for row, one in enumerate(batch):
        start = one.piece.start
        for place, name in enumerate(EMPATHY):
            if not one.marks.get(name):
                continue
            for at, (begin, end) in enumerate(one.piece.offsets):
                counts[row, start + at, place] = 1
                wanted[row, start + at, place] = float(any(begin < until and end > since for since, until in one.marks[name]))
    losses = functional.binary_cross_entropy_with_logits(marks, wanted, reduction="none")
    return (losses * counts).sum() / counts.sum().clamp(min=1)


def loss_of(name: str, batch: list[Ready], scores: Tensor, marks: Tensor) -> Tensor:
    """How far the network is off on a batch of one set."""
    kind, terms = kind_of(name), []
    have = batch[0].targets.keys()
    multi = [output for output in MULTI if output in have]
    if multi:
        wanted = torch.tensor([[one.targets[output] for output in multi] for one in batch])
        got = scores[:, [PLACE[output] for output in multi]]
        spread = max(1.0, len(multi) / SUMMED.get(kind, len(multi)))
        terms.append(functional.binary_cross_entropy_with_logits(got, wanted) * spread)
    if kind == "epitome":
        for task in EMPATHY:
            first = PLACE[f"{task}:0"]
            wanted = torch.tensor([int(one.targets[task]) for one in batch])
            weights = torch.tensor(LEVEL_WEIGHTS[task])
            levels = scores[:, first : first + LEVELS]
            terms.append(functional.cross_entropy(levels, wanted, weight=weights, label_smoothing=0.03))
        terms.append(_token_loss(batch, marks))
    for scale in ("intimacy", "politeness"):
        if scale in have:
            wanted = torch.tensor([one.targets[scale] for one in batch])
            terms.append(4 * functional.mse_loss(scores[:, PLACE[scale]], wanted / (2 if scale == "politeness" else 1)))
    if kind == "own":
        rows = [row for row, one in enumerate(batch) if "simple" in one.targets]
        if rows:
            wanted = torch.tensor([int(batch[row].targets["complex"]) for row in rows])
            terms.append(0.5 * functional.cross_entropy(scores[rows][:, [PLACE["simple"], PLACE["complex"]]], wanted))
    return sum(terms[1:], terms[0]) * WEIGHT.get(kind, 1.0)


def _rates(network: Network, share: float) -> list[dict[str, Any]]:
    plain = ("bias", "LayerNorm.weight")
    groups = []
    for own, rate in ((True, ENCODER_RATE), (False, HEAD_RATE)):
        for decays in (True, False):
            chosen = [
                one
                for name, one in network.named_parameters()
                if one.requires_grad and name.startswith("encoder.") == own and (not name.endswith(plain)) == decays
            ]
            groups.append({"params": chosen, "lr": share * rate, "weight_decay": DECAY if decays else 0.0})
    return groups


def _mean(averaged: dict[str, Tensor], network: nn.Module, step: int) -> None:
    keep = min(AVERAGE, (1 + step) / (10 + step))
    with torch.no_grad():
        for name, value in network.named_parameters():
            if value.requires_grad:
                averaged[name].mul_(keep).add_(value, alpha=1 - keep)


def fit(
    network: Network,
    ready: dict[str, list[Ready]],
    *,
    seed: int,
    folder: Path,
    rounds: Mapping[str, float] = ROUNDS,
    rate: float = 1.0,
    low: bool = True,
) -> Iterator[str]:
    """Train, and yield a line now and then; at the end `folder/network.pt` holds the averaged weights. Goes on from
    `folder/checkpoint.pt` where there is one. rate: of the usual learning rates. low: reckon in bfloat16, twice as fast
    where the processor knows it.
    Raises ValueError if the checkpoint is of another course: of other texts, rounds, rate or another seed."""
    torch.manual_seed(seed)
    steps = plan({name: [len(one.piece.ids) for one in examples] for name, examples in ready.items()}, seed, rounds=rounds)
    course = hashlib.sha256(repr((seed, rate, steps)).encode()).hexdigest()
    optimizer = torch.optim.AdamW(_rates(network, rate), betas=(0.9, 0.98))
    warm = max(1, int(WARM_UP * len(steps)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.02, (len(steps) - step) / (len(steps) - warm)))
    )
    averaged = {name: value.detach().clone() for name, value in network.state_dict().items()}
    kept, begin = folder / "checkpoint.pt", 0
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        if state["course"] != course:
            raise ValueError(f"{kept} is of another course; take an empty folder, or remove it")
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        averaged, begin = state["averaged"], state["step"]
        torch.set_rng_state(state["random"])
    network.train()
    losses: dict[str, float] = {}
    since = time.monotonic()
    for step in range(begin, len(steps)):
        name, chosen = steps[step]
        batch = [ready[name][at] for at in chosen]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            scores, marks = network(*tensors([one.piece for one in batch]))
        loss = loss_of(name, batch, scores.float(), marks.float())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([one for one in network.parameters() if one.requires_grad], 1.0)
        optimizer.step()
        schedule.step()
        _mean(averaged, network, step)
        losses[name] = 0.98 * losses.get(name, loss.item()) + 0.02 * loss.item()
        if (step + 1) % 100 == 0:
            told = ", ".join(f"{one} {value:.3f}" for one, value in sorted(losses.items()))
            yield f"{step + 1} of {len(steps)}, {(time.monotonic() - since) / (step + 1 - begin):.3f} s a step: {told}"
        if (step + 1) % KEEP_EVERY == 0:
            state = {
                "course": course,
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "averaged": averaged,
                "step": step + 1,
                "random": torch.get_rng_state(),
            }
            torch.save(state, kept.with_suffix(".new"))
            kept.with_suffix(".new").replace(kept)
    torch.save(averaged, folder / "network.pt")
    (folder / "course.json").write_text(json.dumps({"seed": seed, "steps": len(steps), "losses": losses}, indent=1) + "\n")
