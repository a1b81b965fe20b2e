"""The packs are what the style guide says, and each check catches its fault."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from closeknit.cli import main
from closeknit.method import content, meaning
from closeknit.method.library import load_library
from closeknit.web.content import check_order
from tests import words

ROOT = Path(__file__).resolve().parents[2] / "content"

GOOD = {
    "id": "kitchen-light",
    "component": "trust",
    "practice": "rely",
    "level": 1,
    "theme": "everyday",
    "text": "Which light do you leave on for others?",
    "why": "It says that somebody is awaited.",
    "start": ["The one in the…"],
    "stay": "Who taught you that?",
}


def pack(tmp_path: Path, *prompts: dict, text: str | None = None) -> Path:
    folder = tmp_path / "en" / "prompts"
    folder.mkdir(parents=True)
    whole = {"language": "en", "author": "Test", "licence": "CC BY 4.0", "prompts": list(prompts)}
    (folder / "test.yaml").write_text(text if text is not None else yaml.safe_dump(whole, sort_keys=False))
    return tmp_path


def codes(root: Path) -> set[str]:
    return {problem.code for problem in content.check(root).problems}


def test_the_shipped_deck_is_large_balanced_and_without_a_fault():
    report = content.check(ROOT)
    assert report.problems == () and report.counts["prompts"] >= 500
    deck = content.load_deck(ROOT)
    assert len(deck.by_id) == len(deck.prompts)
    cells = Counter((prompt.component, prompt.level) for prompt in deck.prompts)
    assert len(cells) == 25 and min(cells.values()) >= 8
    for kind in content.BondKind:
        suits = [prompt for prompt in deck.prompts if kind in prompt.kinds and not prompt.when]
        assert len(suits) >= 250 and sum(prompt.kinds == (kind,) for prompt in suits) >= 20
    assert min(Counter(prompt.theme for prompt in deck.prompts).values()) >= 15
    assert all(sum(when in prompt.when for prompt in deck.prompts) >= 7 for when in content.When)


def test_each_prompt_and_each_lesson_was_read_by_somebody_who_had_not_written_it():
    read = yaml.safe_load((ROOT / "en" / "read.yaml").read_text("utf-8"))
    prompts = content.load_deck(ROOT).by_id
    assert set(read["prompts"]) == set(prompts)
    assert set(read["lessons"]) == {lesson.id for lesson in load_library(ROOT).lessons}
    # Two readers of the courage that an answer takes, one of whom did not know what the other had said.
    apart = [abs(one["written"] - one["depth"]) for one in read["prompts"].values()]
    assert max(apart) <= 2 and sum(one <= 1 for one in apart) >= 0.95 * len(apart)
    for name, one in read["prompts"].items():
        both = (one["written"], one["depth"])
        assert min(both) <= prompts[name].level <= max(both) + 1, name


def test_prompts_are_compared_in_meaning_and_a_change_asks_for_it_anew(tmp_path):
    assert (ROOT / "en" / meaning.NEAR).exists() and meaning.check_meaning(ROOT).problems == ()
    root = pack(tmp_path, GOOD, GOOD | {"id": "window", "text": "Whose window do you look for when you come home late?"})
    assert meaning.check_meaning(root).problems == ()
    note = root / "en" / meaning.NEAR
    prompts = content.load_deck(root).prompts
    fits = {one.id: {"text": meaning.digest(one.text), "near": "?", "cosine": 0.85} for one in prompts}

    def says(noted: object) -> list[str]:
        note.write_text(noted if isinstance(noted, str) else json.dumps(noted))
        return [one.message for one in meaning.check_meaning(root).problems]

    assert says(fits) == []
    assert says(fits | {"window": fits["window"] | {"near": "kitchen-light", "cosine": 0.8504}}) == [
        "window means nearly what kitchen-light means (0.85)"
    ]
    assert says(fits | {"window": fits["window"] | {"text": "0"}}) == ["window was not compared with the others as it is now"]
    assert says({"window": fits["window"]}) == ["kitchen-light was not compared with the others as it is now"]
    assert says(fits | {"gone": fits["window"]}) == ["noted, and no longer there"]
    assert says("[1]") == says("no JSON") == ["this note cannot be read"]


@pytest.mark.model
def test_depth_follows_the_measure_and_a_deck_in_disorder_is_named(tmp_path):
    assert check_order(ROOT).problems == ()
    folder = tmp_path / "en" / "prompts"
    folder.mkdir(parents=True)
    for path in (ROOT / "en" / "prompts").glob("*.yaml"):
        turned = re.sub(r"(?m)^    level: (\d)", lambda found: f"    level: {6 - int(found[1])}", path.read_text())
        (folder / path.name).write_text(turned)
    assert [one.code for one in check_order(tmp_path).problems] == ["order"]
    assert check_order(pack(tmp_path / "small", GOOD)).problems == ()


def test_prompts_read_easily():
    for prompt in content.load_deck(ROOT).prompts:
        assert words.grade([prompt.text, prompt.why, prompt.stay]) <= 7, prompt.id


def test_the_schema_is_current():
    assert json.loads((ROOT / "schema" / "prompts.schema.json").read_text()) == json.loads(json.dumps(content.write_schema()))


def test_a_good_prompt_has_no_fault(tmp_path):
    assert codes(pack(tmp_path, GOOD)) == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"text": "Why is it that " + "very " * 25 + "so?"}, "long"),
        ({"text": "Tell me about light."}, "question"),
        ({"text": "Which light? And why?"}, "question"),
        ({"text": "Which light does your husband leave on?"}, "word"),
        ({"text": "Whose uncomfortable disappointment needs our immediate reconciliation eventually?"}, "grade"),
        ({"why": "It says so!"}, "loud"),
        ({"why": "It says so 🙂"}, "loud"),
        ({"stay": "Tell more."}, "stay"),
        ({"kinds": ["friends", "friends"]}, "kinds"),
        ({"level": 6}, "schema"),
        ({"colour": "red"}, "schema"),
        ({"component": "magic"}, "schema"),
    ],
)
def test_each_fault_is_found(tmp_path, change, code):
    assert code in codes(pack(tmp_path, {**GOOD, **change}))


def test_twins_and_double_ids_are_found(tmp_path):
    twin = {**GOOD, "id": "other", "text": "Which light do you leave on for the others?"}
    assert codes(pack(tmp_path, GOOD, twin)) == {"twin"}
    (tmp_path / "b").mkdir()
    assert "id" in codes(pack(tmp_path / "b", GOOD, {**GOOD, "text": "Where does your umbrella live?"}))


def test_a_problem_names_file_line_and_mend(tmp_path):
    root = pack(tmp_path, GOOD, {**GOOD, "id": "second", "level": 9, "text": "Where does your umbrella live?"})
    (problem,) = content.check(root).problems
    lines = (root / problem.file).read_text().splitlines()
    assert "level: 9" in lines[problem.line - 1] and problem.id == "second" and problem.mend


def test_broken_yaml_is_a_problem_and_not_a_crash(tmp_path):
    assert codes(pack(tmp_path, text="prompts: [\n  - x")) == {"yaml"}


def test_the_command_prints_json(tmp_path):
    answer = CliRunner().invoke(main, ["content", "check", "--json"])
    found = json.loads(answer.output)
    assert answer.exit_code == 0 and found["problems"] == []
    assert set(found["counts"]) == {"prompts", "scripts", "tips", "rehearsals", "lessons", "claims", "feelings", "questions"}
    assert all(count >= 12 for count in found["counts"].values())
    answer = CliRunner().invoke(main, ["content", "check", "--json", str(pack(tmp_path, {**GOOD, "level": 6}))])
    assert answer.exit_code == 1 and json.loads(answer.output)["problems"][0]["code"] == "schema"
