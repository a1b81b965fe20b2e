"""The shipped library is whole, every claim in it has a source, and each check catches its fault."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from closeknit.method.content import BondKind, Component
from closeknit.method.library import (
    CITED,
    Facts,
    Room,
    Seen,
    check_library,
    load_library,
    paragraphs,
    search,
    suggest,
    unsupported,
)
from closeknit.method.scripts import load_scripts
from closeknit.web.content import content_root

ROOT = content_root()
LIBRARY = load_library(ROOT)
LESSON = LIBRARY.by_id["good-news"]


def test_the_shipped_library_holds_together():
    report = check_library(ROOT)
    assert report.problems == ()
    assert report.counts == {"lessons": len(LIBRARY.lessons), "claims": len(LIBRARY.evidence.claims)}
    assert len(LIBRARY.lessons) >= 30 and [one.place for one in LIBRARY.lessons] == list(range(1, len(LIBRARY.lessons) + 1))
    assert {one.component for one in LIBRARY.lessons} == set(Component)
    assert {one.attempt.room for one in LIBRARY.lessons} == set(Room)
    assert len({one.title for one in LIBRARY.lessons}) == len({one.says for one in LIBRARY.lessons}) == len(LIBRARY.lessons)


def test_every_need_is_answered_by_several_lessons_and_safety_by_those_about_it():
    found = {need.id: [one.id for one in LIBRARY.answering(need)] for need in LIBRARY.needs}
    assert all(found.values()) and found["not-safe"][0] == "when-not-safe"
    assert all(len(ids) >= 3 for name, ids in found.items() if name not in {"group"})


def test_each_lesson_has_a_scene_of_two_and_two_questions_that_differ():
    for one in LIBRARY.lessons:
        scene = [part for part, of_scene in paragraphs(one.body) if of_scene]
        assert scene and scene[0].count("“") >= 2, one.id
        first, second = one.checks
        assert first.ask != second.ask
        assert all(len({option.answer for option in check.options}) == len(check.options) for check in one.checks)


def test_no_two_lessons_share_a_line():
    seen: dict[str, str] = {}
    for one in LIBRARY.lessons:
        texts = [one.attempt.text, *(option.answer for check in one.checks for option in check.options)]
        for line in [*texts, *(part for part, _scene in paragraphs(one.body))]:
            sentence = " ".join(line.split()).strip("> ")
            assert len(sentence) < 40 or sentence not in seen, (one.id, seen.get(sentence), sentence)
            seen[sentence] = one.id


def test_every_source_is_used_and_every_citation_known():
    cited = {key for one in LIBRARY.lessons for key in one.cites}
    claimed = {key for claim in LIBRARY.evidence.claims for key in claim.sources}
    scripts = {key for script in load_scripts(ROOT).values() for key in script.sources}
    assert set(LIBRARY.evidence.sources) == claimed | scripts
    assert cited <= claimed, "a lesson leans on what the evidence page leaves out"


def test_what_was_not_read_again_is_marked():
    marked = {key for key, source in LIBRARY.evidence.sources.items() if source.seen is not Seen.ABSTRACT}
    assert marked == {"algoe-2016", "chang-2022", "doss-2016", "huang-2017"}


def test_a_claim_without_a_source_is_found_and_the_scene_claims_nothing():
    assert unsupported("A study found that thanks help.\n\n> A study, she says.\n\nIn 40 couples it held [gable-2006].") == [
        "A study found that thanks help."
    ]
    cited = [part for one in LIBRARY.lessons for part, _scene in paragraphs(one.body) if CITED.search(part)]
    caught = [part for part in cited if unsupported(CITED.sub("", part))]
    assert len(caught) > 0.7 * len(cited) and len(cited) > 40


def test_figures_in_lessons_stand_on_the_evidence_page():
    said = " ".join(f"{claim.size} {claim.say} {claim.against}" for claim in LIBRARY.evidence.claims)
    for one in LIBRARY.lessons:
        for part, scene in paragraphs(one.body):
            for number in () if scene else re.findall(r"\b(\d[\d,]*) (?:couples|people|studies|trials|such trials)", part):
                assert number in said or number == "300,000", (one.id, number)


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("advice", None),
        ("good news", "good-news"),
        ("afraid", None),
        ("PHONE", "time-that-counts"),
        ("wounds", "old-wounds"),
        ("thank", "thanks-in-scenes"),
    ],
)
def test_search_finds_by_words_and_their_beginnings(asked, first):
    found = search(LIBRARY, asked)
    assert found and (first is None or found[0].id == first)


@pytest.mark.parametrize("asked", ["", "   ", "…", "zzzz", "good zzzz", "(", "[.*+]"])
def test_search_finds_nothing_kindly(asked):
    assert search(LIBRARY, asked) == []


def test_suggestions_follow_rules_that_can_be_read():
    def suggested(kind=BondKind.FRIENDS, members=2, moments=0, talks=0, seen=()):
        found = suggest(LIBRARY, Facts(kind, members, moments, talks), seen)
        return found and found[0].id

    assert suggested() == "being-seen"
    assert suggested(kind=BondKind.CIRCLE, members=4) == "more-than-two"
    assert suggested(kind=BondKind.CIRCLE, members=4, seen=["more-than-two"]) == "being-seen"
    assert suggested(moments=2) == "small-first"
    assert suggested(moments=9, talks=0, seen=["small-first"]) == "listening-steps"
    assert suggested(moments=9, talks=2) == "calm-first"
    assert suggested(moments=9, talks=9) == "time-that-counts"
    everything = [rule.lesson for rule in LIBRARY.suggestions]
    assert suggested(seen=everything) is None


# -- each check catches its fault ---------------------------------------------------------------------------------------


def pack(folder: Path, *, lesson=None, body=None, needs=None, evidence=None) -> Path:
    """A library of one lesson, with changes."""
    (folder / "en" / "lessons").mkdir(parents=True)
    (folder / "en" / "library").mkdir()
    head, _, text = (ROOT / "en/lessons/good-news.md").read_text().removeprefix("---\n").partition("\n---\n")
    raw = yaml.safe_load(head) | {"needs": ["enjoy"], "place": 1} | (lesson or {})
    text = body(text) if body else text
    (folder / "en/lessons/good-news.md").write_text("---\n" + yaml.safe_dump(raw) + "---\n" + text)
    raw_needs = yaml.safe_load((ROOT / "en/library/needs.yaml").read_text())
    raw_needs |= {"needs": [{"id": "enjoy", "says": "More good hours"}], "suggestions": []} | (needs or {})
    (folder / "en/library/needs.yaml").write_text(yaml.safe_dump(raw_needs))
    raw_evidence = yaml.safe_load((ROOT / "en/library/evidence.yaml").read_text())
    (folder / "en/library/evidence.yaml").write_text(yaml.safe_dump(raw_evidence | (evidence or {})))
    return folder


CLAIM = {"about": "Any", "say": "Any claim.", "strength": "weak", "size": "Small.", "who": "Few.", "against": "Much."}
FAULTS = {
    "need": {"lesson": {"needs": ["nothing-such", "enjoy"]}},
    "word": {"lesson": {"title": "A journey"}},
    "loud": {"lesson": {"says": "Hurrah!"}},
    "long": {"body": lambda text: text[:900]},
    "scene": {"body": lambda text: text.replace("\n> ", "\n").replace("\n>\n", "\n\n")},
    "prose": {"body": lambda text: text + "\n\n# Shouting\n"},
    "claim": {"body": lambda text: text + "\n\nStudies show that it heals.\n"},
    "source": {"body": lambda text: text + "\n\nStudies show it [nobody-1999].\n"},
    "lesson": {"needs": {"suggestions": [{"lesson": "gone", "why": "There is none."}]}},
    "id": {"evidence": {"claims": 2 * [CLAIM | {"id": "a", "sources": ["gable-2006"]}]}},
    "schema": {"lesson": {"level": 9}},
}


def test_a_small_library_without_fault_passes(tmp_path):
    assert check_library(pack(tmp_path)).problems == ()


@pytest.mark.parametrize("code", FAULTS)
def test_each_fault_is_named(tmp_path, code):
    found = check_library(pack(tmp_path, **FAULTS[code])).problems
    assert code in {problem.code for problem in found}
    assert all(problem.mend and problem.file.startswith("en/") for problem in found)


@pytest.mark.parametrize("text", ["no fields", "---\nid: [\n---\nx", "---\nid: other\n---\n" + "x", "---\n- a\n---\nb"])
def test_a_broken_file_is_named_and_does_not_raise(tmp_path, text):
    root = pack(tmp_path)
    (root / "en/lessons/good-news.md").write_text(text)
    assert check_library(root).problems


def test_a_library_without_its_evidence_says_so(tmp_path):
    root = pack(tmp_path)
    shutil.rmtree(root / "en/library")
    assert check_library(root).problems
