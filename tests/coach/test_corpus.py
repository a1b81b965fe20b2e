"""The corpus is whole, split cleanly, labelled twice, and no two of its messages are alike."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict

import pytest

from closeknit.coach import corpus
from closeknit.coach.labels import HURT, Depth, Label, Risk
from tests.coach import CORPUS

FOLDER = CORPUS / "en"
PARTS = {part: corpus.load(FOLDER / f"{part}.jsonl") for part in corpus.PARTS}
ALL = [message for messages in PARTS.values() for message in messages]
NAMES: tuple[Label | Risk, ...] = (*Label, *Risk)
SHEET = (CORPUS / "README.md").read_text("utf-8")


def count(name: Label | Risk, messages: list[corpus.Message] = ALL) -> int:
    return sum(message.decided.holds(name) for message in messages)


def test_it_is_as_large_as_it_says():
    assert len(ALL) >= 2400
    assert f"{len(ALL):,} messages in {len({message.situation for message in ALL})} situations" in SHEET
    for part, messages in PARTS.items():
        assert f"| {part} | {len(messages):,} |" in SHEET


@pytest.mark.parametrize("name", NAMES)
def test_each_label_and_each_risk_has_enough_of_it_everywhere(name):
    assert count(name) >= 120
    assert all(count(name, messages) >= 15 for messages in PARTS.values())


def test_reflections_go_both_ways():
    depths = Counter(message.decided.depth for message in ALL)
    assert depths[Depth.SIMPLE] >= 60 and depths[Depth.COMPLEX] >= 60


def test_some_half_to_two_thirds_answer_something_and_a_third_would_mislead_a_careless_reader():
    replies = sum(message.reply_to is not None for message in ALL)
    assert 0.45 <= replies / len(ALL) <= 0.67
    assert sum(bool(message.hard) for message in ALL) >= len(ALL) / 3
    assert {name for message in ALL for name in message.hard} >= HURT | set(Risk)


def test_every_kind_of_bond_and_every_register_is_there():
    assert {message.kind for message in ALL} == corpus.KINDS
    registers = Counter(message.register for message in ALL)
    assert set(registers) == corpus.REGISTERS and min(registers.values()) >= 60
    words = [len(message.text.split()) for message in ALL]
    assert sum(one <= 8 for one in words) >= 400 and sum(one >= 30 for one in words) >= 400


def test_ids_are_one_of_a_kind_and_no_situation_is_in_two_parts():
    assert len({message.id for message in ALL}) == len(ALL)
    parts = defaultdict(set)
    for part, messages in PARTS.items():
        for message in messages:
            parts[message.situation].add(part)
    assert all(len(one) == 1 for one in parts.values())


def test_no_two_are_nearly_the_same():
    assert corpus.near(ALL) == []
    texts = Counter(re.sub(r"\W+", " ", message.text.lower()).strip() for message in ALL)
    assert [text for text, number in texts.items() if number > 1 and len(text.split()) > 3] == []
    openings = Counter(" ".join(re.findall(r"[\w']+", message.text.lower())[:3]) for message in ALL)
    assert openings.most_common(1)[0][1] <= len(ALL) * 0.01


@pytest.mark.parametrize("name", NAMES)
def test_two_readers_agreed_as_far_as_the_data_sheet_says(name):
    (told,) = re.findall(rf"^\| `{name.value}` \| ([\d,]+) \| ([\d.]+) \|", SHEET, re.MULTILINE)
    assert int(told[0].replace(",", "")) == count(name)
    assert told[1] == f"{corpus.kappa(ALL, name):.2f}"
    assert float(told[1]) >= 0.8


def test_what_the_readers_saw_differently_is_kept():
    third = [message for message in ALL if message.origin is corpus.Origin.THIRD]
    assert all(message.first != message.second for message in third)
    assert f"{len(third)} of them" in SHEET


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "strangers"}, "no such kind"),
        ({"text": "word " * 81}, "1 to 80 words"),
        ({"text": ""}, "1 to 80 words"),
        ({"decided": {"labels": [], "risk": []}}, "something always holds"),
        ({"decided": {"labels": ["neutral", "need"], "risk": []}}, "neutral stands alone"),
        ({"decided": {"labels": ["reflection"], "risk": []}}, "simple or complex"),
        ({"decided": {"labels": ["neutral"], "risk": [], "reflection": "simple"}}, "simple or complex"),
        ({"decided": {"labels": ["kindness"], "risk": []}}, "kindness"),
        ({"hard": ["neutral"]}, "what does not hold"),
        ({"second": {"labels": ["need"], "risk": []}}, "did not agree"),
        ({"origin": "guessed"}, "guessed"),
        ({"id": None, "text": None}, "messages.jsonl:1"),
    ],
)
def test_a_line_that_is_wrong_says_where(tmp_path, change, says):
    plain = {"labels": ["neutral"], "risk": []}
    line = {"id": "x-1", "situation": "x", "kind": "friends", "register": "plain", "reply_to": None, "text": "Eight it is."}
    line |= {"decided": plain, "first": plain, "second": plain, "origin": "agreed", "hard": []}
    path = tmp_path / "messages.jsonl"
    path.write_text(json.dumps(line), "utf-8")
    assert corpus.load(path)[0].text == "Eight it is."
    path.write_text(json.dumps({**line, **change}), "utf-8")
    with pytest.raises(corpus.CorpusError, match="messages.jsonl:1") as caught:
        corpus.load(path)
    assert says in str(caught.value)
    path.write_text("not json", "utf-8")
    with pytest.raises(corpus.CorpusError, match="messages.jsonl:1"):
        corpus.load(path)


def test_kappa_is_cohens():
    def message(first: str, second: str) -> corpus.Message:
        seen = [corpus.Judgement(frozenset({Label(name)}), frozenset(), None) for name in (first, second)]
        return corpus.Message("", "", "", "", None, "", seen[0], *seen, corpus.Origin.THIRD, frozenset())

    # 20 yes and yes, 5 yes and no, 10 no and yes, 15 no and no: agreement 0.7, by chance 0.5.
    pairs = [("need", "need")] * 20 + [("need", "request")] * 5 + [("request", "need")] * 10 + [("request", "request")] * 15
    assert corpus.kappa([message(*pair) for pair in pairs], Label.NEED) == pytest.approx(0.4)


# -- the plain ones -------------------------------------------------------------------------------------------------------

PLAIN = [json.loads(line) for line in (FOLDER / "plain.jsonl").read_text("utf-8").splitlines()]


def test_the_plain_ones_are_five_hundred_of_four_sorts():
    assert len(PLAIN) == 500 and len({one["id"] for one in PLAIN}) == 500
    assert len({one["text"].lower() for one in PLAIN}) == 500
    sorts = Counter(one["sort"] for one in PLAIN)
    assert set(sorts) == {"plain", "warm", "playful", "heated"} and min(sorts.values()) >= 50
    assert {one["kind"] for one in PLAIN} == {message.kind for message in ALL}
    assert 150 <= sum(one["reply_to"] is not None for one in PLAIN) <= 300


def test_none_of_the_plain_ones_is_learnt_from():
    known = {message.text.lower() for part in ("train", "dev") for message in PARTS[part]}
    assert not [one["text"] for one in PLAIN if one["text"].lower() in known and len(one["text"].split()) > 3]
