"""Not now, resting, letting it pass, no answer and being locked out look alike to others: the same bytes, by the same
queries, from as many opened envelopes. How long it takes is measured by bench/alike.py."""

from __future__ import annotations

import re

import nacl.bindings
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment
from tests.alike import ACTS

pytestmark = pytest.mark.django_db

OPENS = "crypto_aead_xchacha20poly1305_ietf_decrypt"
#: Tokens, nonces and versions differ between any two loads of a page.
ITS_OWN = re.compile(r'(?<=value=")[A-Za-z0-9]{64}(?=")|(?<=nonce=")[^"]+|<span data-time.*?</span>|\d{13}')


@pytest.fixture
def opens(monkeypatch) -> list[int]:
    """One entry for each envelope that is opened."""
    found: list[int] = []
    real = getattr(nacl.bindings, OPENS)

    def counting(*args):
        found.append(1)
        return real(*args)

    monkeypatch.setattr(nacl.bindings, OPENS, counting)
    return found


def seen(person, path: str, opens: list[int], **headers: str) -> tuple[str, list[str], int]:
    """(page, what was asked of the database, how many envelopes were opened)"""
    opens.clear()
    with CaptureQueriesContext(connection) as captured:
        answer = person.client.get(path, **headers)
    assert answer.status_code == 200, path
    asked = [re.sub(r"'[^']*'|\b[0-9a-f]{32}\b|\d+", "?", query["sql"]) for query in captured]
    return ITS_OWN.sub("", answer.content.decode()), asked, len(opens)


def looks(person, bond_id, moment_id, opens) -> dict[str, tuple[str, list[str], int]]:
    base = f"/b/{bond_id}/"
    paths = ("", f"m/{moment_id}/", "thread/", "prompt/", "us/")
    found = {path: seen(person, base + path, opens) for path in paths}
    found |= {f"{path} (poked)": seen(person, base + path, opens, HTTP_X_POKE="1") for path in paths[:2]}
    return found | {"you/": seen(person, "/you/", opens)}


@pytest.mark.parametrize("has_answered", [True, False])
@pytest.mark.parametrize("act", ACTS)
def test_what_a_mate_keeps_to_themselves_changes_nothing_for_others(cast, opens, act, has_answered):
    past = moments.moment_open(cast.ana.bond(), {"text": "What was it like?"})
    cast.both_answer(past.id)
    moment = moments.moment_open(cast.ana.bond(), {"text": "What did you leave out?"})
    if has_answered:
        moments.answer_share(cast.ana.bond(), moment.id, "Ana waits")
    assert cast.jonas.client.get(f"/b/{cast.pair}/").status_code == 200
    looks(cast.ana, cast.pair, moment.id, opens)  # the first time does what coming by makes possible
    before = looks(cast.ana, cast.pair, moment.id, opens)
    ACTS[act](cast.jonas, Moment.objects.get(pk=moment.id))
    after = looks(cast.ana, cast.pair, moment.id, opens)
    for path, (page, asked, opened) in before.items():
        assert after[path][0] == page, path
        assert after[path][1] == asked, path
        assert after[path][2] == opened > 0, path


def test_this_would_notice_an_answer(cast, opens):
    """What is meant to show does show here."""
    moment = moments.moment_open(cast.ana.bond(), {"text": "What did you leave out?"})
    before = looks(cast.ana, cast.pair, moment.id, opens)
    moments.answer_share(cast.jonas.bond(), moment.id, "Jonas was here")
    after = looks(cast.ana, cast.pair, moment.id, opens)
    assert after[f"m/{moment.id}/"][0] != before[f"m/{moment.id}/"][0]
    assert after[f"m/{moment.id}/"][2] > before[f"m/{moment.id}/"][2]
