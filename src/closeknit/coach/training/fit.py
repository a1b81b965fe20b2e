"""Learning: batches from all sets, evenly mixed; seeded, and resumed from its last checkpoint."""

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

from .net import PAD, Network
from .table import Table, cells, held_as, kind_of

WARM_UP, DECAY, AVERAGE = 0.06, 0.01, 0.998
#: Batches whose examples are of like length, so that little of them is padding.
NEAR = 20
#: Seconds between checkpoints.
KEEP_EVERY = 240
#: How much what a teacher says counts beside labels of people (1), where there are such labels and where there are none.
TAUGHT, TAUGHT_ELSEWHERE = 1.0, 0.4


@dataclass(frozen=True)
class Pace:
    """How a stretch is learnt. rounds: how often each kind of set is gone through, and may be less than one; rate and
    head_rate: learning rates of the encoder and of what is new; batch: examples a step."""

    rounds: Mapping[str, float]
    rate: float
    head_rate: float
    batch: int


def plan(sizes: Tensor, places: Mapping[str, range], pace: Pace, seed: int) -> list[list[int]]:
    """Which rows each step takes: every set as many rounds as it should have, mixed.
    sizes: (rows,), the tokens of each. places: the rows of each set."""
    draw = torch.Generator().manual_seed(seed)

    def mixed(count: int) -> list[int]:
        order: list[int] = torch.randperm(count, generator=draw).tolist()
        return order

    wanted: list[int] = []
    for name, rows in sorted(places.items()):
        whole, rest = divmod(pace.rounds[kind_of(name)], 1)
        wanted += list(rows) * int(whole) + [rows[at] for at in mixed(len(rows))[: math.ceil(rest * len(rows))]]
    order = [wanted[at] for at in mixed(len(wanted))]
    steps = []
    for start in range(0, len(order), pace.batch * NEAR):
        near = sorted(order[start : start + pace.batch * NEAR], key=lambda row: int(sizes[row]))
        batches = [near[at : at + pace.batch] for at in range(0, len(near), pace.batch)]
        steps += [batches[at] for at in mixed(len(batches))]
    return steps


def _token_loss(marks: Tensor, types: Tensor, marked: Tensor, counted: Tensor) -> Tensor:
    """Of the tokens of texts in which somebody marked words, how far the marks are off."""
    counts = (counted[:, None, :] & (types > 0)[:, :, None]).float()
    losses = functional.binary_cross_entropy_with_logits(marks, marked.float(), reduction="none")
    share = counted.any(1).float().mean()
    return share * (losses * counts).sum() / counts.sum().clamp(min=1)


def loss_of(table: Table, rows: Tensor, scores: Tensor, marks: Tensor, taught: Tensor | None, usual: Tensor) -> Tensor:
    """How far the network is off on some rows of a table, a mean over rows. taught: what a teacher says of every row;
    usual: what each output weighs."""
    longest, weight = marks.shape[1], table.weight[rows]
    off = (weight * cells(scores, table.wanted[rows])).sum(1).mean()
    if taught is not None:
        share = torch.where(weight > 0, TAUGHT, TAUGHT_ELSEWHERE) * usual
        off = off + (share * cells(scores, taught[rows].float())).sum(1).mean()
    return off + _token_loss(marks, table.types[rows, :longest], table.marked[rows, :longest], table.counted[rows])


def _groups(network: Network, pace: Pace) -> list[dict[str, Any]]:
    plain = ("bias", "LayerNorm.weight")
    groups = []
    for own, rate in ((True, pace.rate), (False, pace.head_rate)):
        for decays in (True, False):
            chosen = [
                one
                for name, one in network.named_parameters()
                if one.requires_grad and name.startswith("encoder.") == own and (not name.endswith(plain)) == decays
            ]
            groups.append({"params": chosen, "lr": rate, "weight_decay": DECAY if decays else 0.0})
    return groups


def seen_by(network: Network, table: Table, rows: Tensor, longest: int, *, low: bool) -> tuple[Tensor, Tensor]:
    """Scores and marks of some rows, in full numbers. rows: on the table's device; longest: the most tokens of any."""
    ids, types = table.ids[rows, :longest].long(), table.types[rows, :longest].long()
    mask = (ids != PAD).long()
    with torch.autocast(ids.device.type, dtype=torch.bfloat16, enabled=low):
        scores, marks = network(ids, types, mask)
    return scores.float(), marks.float()


def ask(network: Network, table: Table, *, device: str, at_once: int = 256) -> Tensor:
    """What a learnt network says of every row, (rows, len(NAMES)), as another may be asked to give it."""
    network.eval()
    order = torch.argsort(table.sizes)
    said = torch.zeros(len(order), table.wanted.shape[1])
    with torch.no_grad():
        for start in range(0, len(order), at_once):
            rows = order[start : start + at_once]
            longest = int(table.sizes[rows[-1]])
            scores, _marks = seen_by(network, table, rows.to(device), longest, low=device == "cuda")
            said[rows] = held_as(scores).cpu()
    return said


def fit(
    network: Network,
    table: Table,
    pace: Pace,
    *,
    seed: int,
    folder: Path,
    device: str = "cpu",
    taught: Tensor | None = None,
) -> Iterator[str]:
    """Train, and yield a line now and then; at the end `folder/network.pt` holds the averaged weights. Goes on from
    `folder/checkpoint.pt` where there is one. network, table, taught: on `device`. taught: (rows, len(NAMES)), what a
    teacher says. It is reckoned in bfloat16, twice as fast where the processor knows it.
    Raises ValueError if the checkpoint is of another course: of other texts or teachers, another pace or another seed."""
    torch.manual_seed(seed)
    steps = plan(table.sizes, table.places, pace, seed)
    teachers = b"" if taught is None else taught.cpu().numpy().tobytes()
    course = hashlib.sha256(repr((seed, pace, table.texts, steps)).encode() + teachers).hexdigest()
    optimizer = torch.optim.AdamW(_groups(network, pace), betas=(0.9, 0.98), fused=True)
    warm = max(1, int(WARM_UP * len(steps)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.02, (len(steps) - step) / max(1, len(steps) - warm)))
    )
    learning = [value for value in network.parameters() if value.requires_grad]
    averaged = [value.detach().clone() for value in learning]
    usual = table.usual_weight()
    kept, begin = folder / "checkpoint.pt", 0
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        if state["course"] != course:
            raise ValueError(f"{kept} is of another course; take an empty folder, or remove it")
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        averaged, begin = [value.to(device) for value in state["averaged"]], state["step"]
        torch.set_rng_state(state["random"])
    network.train()
    lost, since, safe = torch.zeros((), device=device), time.monotonic(), time.monotonic()
    for step in range(begin, len(steps)):
        # Once a step: each list of rows that a graphics card has to be sent makes it wait.
        rows, longest = torch.tensor(steps[step], device=device), int(table.sizes[steps[step]].max())
        scores, marks = seen_by(network, table, rows, longest, low=True)
        loss = loss_of(table, rows, scores, marks, taught, usual)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            keep = min(AVERAGE, (1 + step) / (10 + step))
            torch._foreach_lerp_(averaged, learning, 1 - keep)
            lost.mul_(0.98).add_(loss.detach(), alpha=0.02)
        if (step + 1) % 100 == 0:
            each = (time.monotonic() - since) / (step + 1 - begin)
            yield f"{step + 1} of {len(steps)}, {each:.3f} s a step: {lost.item():.3f}"
        if time.monotonic() - safe > KEEP_EVERY:
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
            safe = time.monotonic()
    with torch.no_grad():
        for value, mean in zip(learning, averaged, strict=True):
            value.copy_(mean)
    torch.save(network.state_dict(), folder / "network.pt")
    (folder / "course.json").write_text(json.dumps({"seed": seed, "steps": len(steps), "loss": lost.item()}, indent=1) + "\n")
