"""The contract of `coach read --jsonl`: a line in, a line out, in order, as they come, whatever the lines are."""

from __future__ import annotations

import json
import queue
import threading

import pytest

from closeknit.coach import lines
from tests.coach.made import Stub


def told(asked: list[str]) -> list[dict]:
    return [json.loads(one) for one in lines.answer(asked, Stub().read_all, lambda _text, _reading, _about: [])]


def test_one_line_each_in_order():
    asked = [json.dumps({"id": number, "text": "You never ring." if number % 2 else "At six."}) for number in range(300)]
    found = told(asked)
    assert [one["id"] for one in found] == list(range(300))
    assert found[1]["reading"]["labels"] == ["criticism"] and found[0]["reading"]["labels"] == ["neutral"]


@pytest.mark.parametrize(
    "line, name, says",
    [
        ("nonsense", None, "not JSON"),
        ("[1, 2]", None, "one object"),
        ('{"id": 4}', 4, "text is missing"),
        ('{"id": "a", "text": 5}', "a", "no string"),
        ('{"id": [1], "text": "x", "reply_to": 3}', [1], "reply_to"),
        ("[" * 100_000, None, "not JSON"),
    ],
)
def test_a_bad_line_says_what_is_wrong_and_the_rest_goes_on(line, name, says):
    first, second = told([line, '{"id": 9, "text": "hello"}'])
    assert first["id"] == name and says in first["error"] and "reading" not in first
    assert second["id"] == 9 and "reading" in second


def test_what_is_answered_is_read_too_and_goes_with_its_own_line():
    asked = [
        json.dumps({"id": n, "text": f"text {n}", "reply_to": f"never {n}" if n % 2 else None}) for n in range(5)
    ]
    seen = []
    for _line in lines.answer(asked, Stub().read_all, lambda text, _reading, about: seen.append((text, about)) or []):
        pass
    assert [text for text, _about in seen] == [f"text {n}" for n in range(5)]
    heard = [about is not None and about.labels == ("criticism",) for _text, about in seen]
    assert heard == [False, True, False, True, False]


def test_any_id_comes_back_as_it_was_and_blank_lines_are_passed_over():
    asked = ['{"id": {"a": [1, null]}, "text": ""}', "", "  \n", '{"text": "no id at all"}']
    found = told(asked)
    assert [one["id"] for one in found] == [{"a": [1, None]}, None]
    assert found[0]["reading"]["silence"] == "empty"


def test_whoever_sends_one_line_and_waits_has_its_answer():
    sent: queue.Queue[str | None] = queue.Queue()
    answers = lines.answer(iter(sent.get, None), Stub().read_all, lambda _text, _reading, _about: [])
    for number in range(3):
        sent.put(json.dumps({"id": number, "text": "hello"}))
        got: queue.Queue[str] = queue.Queue()
        threading.Thread(target=lambda got=got: got.put(next(answers)), daemon=True).start()
        assert json.loads(got.get(timeout=10))["id"] == number
    sent.put(None)


def test_no_more_is_held_than_a_little():
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield '{"id": 1, "text": "hello"}'

    answers = lines.answer(endless(), Stub().read_all, lambda _text, _reading, _about: [])
    for _number in range(200):
        next(answers)
    assert taken < 200 + 3 * lines.AHEAD + 2


def test_a_source_that_breaks_is_not_swallowed_and_what_came_before_is_answered():
    def broken():
        yield '{"id": 1, "text": "hello"}'
        raise OSError("gone")

    answers = lines.answer(broken(), Stub().read_all, lambda _text, _reading, _about: [])
    assert json.loads(next(answers))["id"] == 1
    with pytest.raises(OSError, match="gone"):
        list(answers)
