"""What two prompts ask for in other words: noted by `scripts/near_prompts.py`, which needs an encoder, and held here against
the prompts as they are, which needs nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from .content import BrokenPack, Problem, Report, load_deck

#: The note beside a language's prompts, and how near (cosine) two of them may be.
NEAR, MOST_NEAR = "near.json", 0.85
_MEND = "Run `make content-near` and look at what it prints."


def digest(text: str) -> str:
    """A short name for a text, to see whether it was changed."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_meaning(root: Path) -> Report:
    """Prompts below `root` that ask the same in other words, or that were changed since anybody compared them. Languages
    without a note are left alone: whoever writes ten prompts reads them side by side."""
    found: list[Problem] = []
    for path in sorted(root.glob(f"*/{NEAR}")):
        try:
            found += _language(root, path)
        except BrokenPack:
            continue  # the deck's own check names it
        except (ValueError, KeyError, TypeError, AttributeError):
            found.append(Problem(str(path.relative_to(root)), 1, "", "near", "this note cannot be read", _MEND))
    return Report(tuple(found), {})


def _language(root: Path, path: Path) -> Iterator[Problem]:
    noted = json.loads(path.read_text("utf-8"))
    file = str(path.relative_to(root))
    deck = load_deck(root, path.parent.name).by_id
    for name in sorted(noted.keys() - deck.keys()):
        yield Problem(file, 1, name, "near", "noted, and no longer there", _MEND)
    for name, prompt in sorted(deck.items()):
        if noted.get(name, {}).get("text") != digest(prompt.text):
            yield Problem(file, 1, name, "near", f"{name} was not compared with the others as it is now", _MEND)
        elif noted[name]["cosine"] > MOST_NEAR:
            says = f"{name} means nearly what {noted[name]['near']} means ({noted[name]['cosine']:.2f})"
            yield Problem(file, 1, name, "near", says, "Rewrite one so that it asks something else.")
