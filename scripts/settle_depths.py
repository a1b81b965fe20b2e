"""Give each prompt the depth that its three voices come to: `settle_depths.py`, after prompts or the coach's model changed.

What the writer and the second reader said stands in `content/LANGUAGE/read.yaml`; the third voice is how intimate the
packaged coach finds the question. Writes `level` in the packs and nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from closeknit.coach.reader import Reader
from closeknit.method.content import load_deck
from closeknit.method.depth import Voices, rank_correlation, settled

ROOT = Path(__file__).resolve().parents[1] / "content"


def main(language: str = "en") -> None:
    """Settle, write, and say what changed."""
    prompts = load_deck(ROOT, language).by_id
    said = yaml.safe_load((ROOT / language / "read.yaml").read_text("utf-8"))["prompts"]
    reader = Reader(threads=2)
    # One at a time: what is read of a text moves by some hundredths with the company it is read in.
    measured = {name: reader.read(prompt.text).intimacy for name, prompt in prompts.items()}
    voices = {
        name: Voices(prompt.component, said[name]["written"], said[name]["depth"], measured[name])
        for name, prompt in prompts.items()
    }
    depths = settled(voices)
    for path in sorted((ROOT / language / "prompts").glob("*.yaml")):
        lines, name = path.read_text("utf-8").splitlines(keepends=True), ""
        for at, line in enumerate(lines):
            if found := re.match(r"  - id: (\S+)", line):
                name = found[1]
            elif line.startswith("    level: "):
                lines[at] = f"    level: {depths[name]}\n"
        path.write_text("".join(lines), "utf-8")
    moved = sum(depths[name] != prompt.level for name, prompt in prompts.items())
    apart = sum(depths[name] != said[name]["written"] for name in prompts)
    order = rank_correlation([depths[name] for name in prompts], [measured[name] for name in prompts])
    print(f"{moved} of {len(prompts)} moved; {apart} stand elsewhere than their writers put them")
    print(f"rank correlation with the measure {order:.3f}")


if __name__ == "__main__":
    main()
