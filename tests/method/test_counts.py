"""What there is of content is counted as it is, and what is thin is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from closeknit.cli import main
from closeknit.method import content, counts

ROOT = Path(__file__).resolve().parents[2] / "content"


def prompt(name: str, **more: object) -> dict[str, object]:
    whole: dict[str, object] = {"id": name, "component": "trust", "practice": "rely", "level": 1, "theme": "everyday"}
    whole |= {"text": f"Where does your {name} live?", "why": "It says who is awaited.", "start": ["By the…"]}
    return whole | {"stay": "Who taught you that?"} | more


def write(root: Path, *prompts: dict[str, object]) -> Path:
    folder = root / "de" / "prompts"
    folder.mkdir(parents=True)
    pack = {"language": "de", "author": "Test", "licence": "CC BY 4.0", "prompts": list(prompts)}
    (folder / "a.yaml").write_text(yaml.safe_dump(pack))
    return root


def table(found: counts.Counts, title: str) -> dict[str, tuple[int, ...]]:
    (one,) = (table for table in found.tables if table.title == title)
    return dict(one.rows)


def test_a_small_pack_is_counted_by_hand(tmp_path):
    deep = prompt("lamp", level=3, kinds=["friends"], when=["new"], practice="ask")
    (found,) = counts.counted(write(tmp_path, prompt("hat"), prompt("key", component="empathy"), deep))
    assert found.language == "de"
    assert table(found, "prompts: component")["trust"] == (1, 0, 1, 0, 0, 2)
    assert table(found, "prompts: component")["acceptance"] == (0, 0, 0, 0, 0, 0)
    kinds = table(found, "prompts: kind of bond")
    assert kinds["friends"] == (2, 0, 1, 0, 0, 3) and kinds["circle"] == (2, 0, 0, 0, 0, 2)
    assert table(found, "prompts: time")["new"] == (0, 0, 1, 0, 0, 1)
    assert list(table(found, "prompts: practice")) == ["rely", "ask"]
    assert {"acceptance at depth 2: 0 prompts", "for the time “new” no prompt of depth 1, 2, 4, 5"} <= set(found.gaps)
    assert "practised by one prompt alone: ask" in found.gaps
    assert not [gap for gap in found.gaps if "lesson" in gap or "question" in gap]


def test_ours_adds_up_to_all_there_is():
    (found,) = counts.counted(ROOT)
    deck = content.load_deck(ROOT)
    for title in ("prompts: component", "prompts: practice"):
        rows = table(found, title).values()
        assert sum(row[-1] for row in rows) == len(deck.prompts)
        assert all(sum(row[:-1]) == row[-1] for row in rows)
    rest = table(found, "component")
    assert tuple(map(sum, zip(*rest.values(), strict=True))) == (12, 30, 40)
    assert not [gap for gap in found.gaps if " at depth " in gap or "lessons" in gap or "question" in gap]


def test_the_command_prints_tables_and_json(tmp_path):
    answer = CliRunner().invoke(main, ["content", "counts"])
    assert answer.exit_code == 0 and "prompts: component" in answer.output and "gaps" in answer.output
    answer = CliRunner().invoke(main, ["content", "counts", "--json", str(write(tmp_path, prompt("hat")))])
    (found,) = json.loads(answer.output)
    assert found["language"] == "de" and found["tables"][0]["columns"][-1] == "all" and found["gaps"]


@pytest.mark.parametrize("text", ["prompts: [", "language: de"])
def test_a_broken_pack_is_named(tmp_path, text):
    root = write(tmp_path, prompt("hat"))
    shutil.copy(root / "de/prompts/a.yaml", root / "de/prompts/c.yaml")
    (root / "de/prompts/b.yaml").write_text(text)
    answer = CliRunner().invoke(main, ["content", "counts", str(root)])
    assert answer.exit_code == 1 and "de/prompts/b.yaml:" in answer.output and "content check" in answer.output
