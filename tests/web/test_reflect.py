"""Reflect: alone and unwatched. Nothing of what is read or looked for is written, or stands in an address."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from closeknit import vault
from closeknit.method.library import Lesson
from closeknit.web import content
from closeknit.web.bonds import private
from closeknit.web.bonds.models import PrivateWord
from closeknit.web.members.models import MemberRow
from closeknit.web.reflect.prose import rendered
from closeknit.web.sealed.kinds import Reading
from closeknit.web.taking import copying, opening
from tests.cast import PASSPHRASE, Person

from .test_taking import CHECK

pytestmark = pytest.mark.django_db
LIBRARY = content.library()


def addresses(page: str) -> dict[str, str]:
    """Titles and where they lead."""
    return {title: url for url, title in re.findall(r'<a href="(/library/[^"]+/)">([^<]+)</a>', page)}


def text(page: str) -> str:
    return page.replace("&#x27;", "'").replace("&quot;", '"').replace("&amp;", "&")


def open_one(member, lesson_id: str):
    title = LIBRARY.by_id[lesson_id].title
    url = addresses(text(member.client.get("/library/").content.decode()))[title]
    return url, text(member.client.get(url).content.decode())


def test_the_library_shows_every_lesson_by_what_brings_somebody_here(cast):
    page = text(cast.ana.client.get("/library/").content.decode())
    assert all(need.says in page for need in LIBRARY.needs)
    assert {one.title for one in LIBRARY.lessons} <= set(addresses(page))


def test_every_lesson_opens_with_its_scene_its_sources_and_its_questions(cast):
    found = addresses(text(cast.ana.client.get("/library/").content.decode()))
    for one in LIBRARY.lessons:
        page = text(cast.ana.client.get(found[one.title]).content.decode())
        assert "<blockquote>" in page and one.attempt.text in page and page.count('class="check-self"') == 2
        assert all(f'id="s-{key}"' in page and f'href="#s-{key}"' in page for key in one.cites)
        assert "[" not in re.sub(r"<[^>]*>|\[(?:\d+(?:, )?)+\]", "", page.split('class="prose"')[1].split("</div>")[0])


def test_an_address_tells_nobody_what_is_read_and_opens_for_its_owner_alone(cast):
    url, page = open_one(cast.ana, "when-not-safe")
    assert "safe" not in url and LIBRARY.by_id["when-not-safe"].title in page
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL).group(1)
    assert "safe" not in title
    assert cast.jonas.client.get(url).status_code == 404
    other, _page = open_one(cast.jonas, "when-not-safe")
    assert other != url


def test_other_lessons_and_care_are_linked_by_their_names(cast):
    _url, page = open_one(cast.ana, "no-is-welcome")
    found = addresses(page)
    assert LIBRARY.by_id["when-not-safe"].title in found
    _url, page = open_one(cast.ana, "low-days")
    assert '<a href="/care/">Care</a>' in page


def test_reading_and_looking_for_words_writes_nothing(cast):
    url, _page = open_one(cast.ana, "old-wounds")
    with CaptureQueriesContext(connection) as met:
        for answer in (
            cast.ana.client.get("/reflect/"),
            cast.ana.client.get("/library/"),
            cast.ana.client.post("/library/", {"q": "afraid of him"}),
            cast.ana.client.get(url),
            cast.ana.client.get("/evidence/"),
        ):
            assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    assert not [one for one in met if re.match(r"\s*(INSERT|UPDATE|DELETE)", one["sql"])]


def test_what_is_looked_for_is_sent_and_found(cast):
    page = text(cast.ana.client.post("/library/", {"q": "good news"}).content.decode())
    assert list(addresses(page))[0] == LIBRARY.by_id["good-news"].title and 'value="good news"' in page
    page = cast.ana.client.post("/library/", {"q": "<script>zzz"}).content.decode()
    assert "Nothing has all of these words" in page and "<script>zzz" not in page
    assert cast.ana.client.post("/library/", {"q": "x" * 100_000}).status_code == 200
    assert cast.ana.client.post("/library/", {}).status_code == 200


def test_a_lesson_is_kept_sealed_and_let_go(cast):
    url, _page = open_one(cast.ana, "repair")
    assert cast.ana.client.post(f"{url}keep/").status_code == 302
    row = MemberRow.objects.get(member=cast.ana.member, place=vault.Place.LIBRARY)
    assert b"repair" not in bytes(row.body)
    assert "Kept at hand" in cast.ana.client.get("/library/").content.decode()
    assert "Let it go from my shelf" in cast.ana.client.get(url).content.decode()
    assert "Kept at hand" not in cast.jonas.client.get("/library/").content.decode()
    cast.ana.client.post(f"{url}keep/")
    assert "Kept at hand" not in cast.ana.client.get("/library/").content.decode()


def test_a_kept_lesson_that_a_pack_no_longer_has_does_no_harm(cast, monkeypatch):
    url, _page = open_one(cast.ana, "repair")
    cast.ana.client.post(f"{url}keep/")
    fewer = type(LIBRARY)(tuple(one for one in LIBRARY.lessons if one.id != "repair"), *(LIBRARY.needs, (), LIBRARY.evidence))
    monkeypatch.setattr(content, "library", lambda: fewer)
    assert cast.ana.client.get("/library/").status_code == 200


def test_suggestions_name_the_bond_and_say_why(cast):
    page = text(cast.ana.client.get("/library/").content.decode())
    assert any(rule.why in page for rule in LIBRARY.suggestions)


def test_somebody_in_no_bond_reads_everything_and_nothing_is_said_to_be_missing():
    lone = Person("Lone")
    page = text(lone.client.get("/reflect/").content.decode())
    assert "The library" in page
    url, page = open_one(lone, "calm-first")
    assert "Take me there" not in page and lone.client.get(url).status_code == 200
    _url, page = open_one(lone, "knowing-oneself")
    assert "Take me there" in page


def test_who_practises_alone_comes_back_to_that():
    lone = Person("Lone")
    assert lone.client.get("/").url == "/bonds/new/"
    assert "Begin with something for yourself" in lone.client.get("/bonds/new/").content.decode()
    lone.client.post("/reflect/ladders/", {"who": "Mum"})
    assert lone.client.get("/").url == "/reflect/"


def test_the_evidence_is_open_to_everyone_and_carries_size_and_doubt():
    page = text(Client().get("/evidence/").content.decode())
    for claim in LIBRARY.evidence.claims:
        assert claim.say in page and claim.against in page and claim.size in page
    for key in LIBRARY.evidence.sources:
        assert f'id="s-{key}"' in page


def test_a_hosts_lesson_cannot_bring_html_or_pictures(cast):
    body = "<img src=x onerror=1> ![a](b) <script>1</script> [x](javascript:1) [nobody-1999]"
    one = Lesson.model_validate({**LIBRARY.by_id["repair"].model_dump(by_alias=True), "body": body})
    html = rendered(one, LIBRARY, lambda lesson: "/x/")
    assert "<img" not in html and "<script" not in html and 'href="javascript' not in html


# -- the journal ----------------------------------------------------------------------------------------------------------


def entries(member) -> str:
    return text(member.client.get("/you/words/").content.decode())


def test_an_entry_is_kept_sealed_with_its_feelings_and_shows_to_its_writer_alone(cast):
    answer = cast.ana.client.post(
        "/reflect/write/", {"text": "The kitchen was dark.", "feelings": ["lonely", "tired"], "own": "prickly, far off"}
    )
    assert answer.status_code == 302
    assert "The kitchen was dark." in entries(cast.ana) and "lonely, tired, prickly, far off" in entries(cast.ana)
    assert "The kitchen was dark." not in entries(cast.jonas)
    row = PrivateWord.objects.get(member=cast.ana.member)
    assert b"kitchen" not in bytes(row.item.body) and b"lonely" not in bytes(row.body)


def test_an_entry_is_changed_and_keeps_its_day(cast):
    cast.ana.client.post("/reflect/write/", {"text": "First.", "feelings": ["sad"]})
    row = PrivateWord.objects.get(member=cast.ana.member)
    page = text(cast.ana.client.get(f"/reflect/write/{row.id}/").content.decode())
    assert "First." in page and re.search(r'value="sad" checked', page)
    before = private.word_read(cast.ana.member.pk, cast.ana.keyring, row.id)
    assert cast.ana.client.post(f"/reflect/write/{row.id}/", {"text": "Second.", "own": "lighter"}).status_code == 302
    after = private.word_read(cast.ana.member.pk, cast.ana.keyring, row.id)
    assert (after.text, after.feelings, after.at) == ("Second.", ("lighter",), before.at) and after.changed is not None
    assert cast.jonas.client.get(f"/reflect/write/{row.id}/").status_code == 404
    assert cast.jonas.client.post(f"/reflect/write/{row.id}/", {"text": "Mine."}).status_code == 404


def test_only_what_was_written_here_can_be_changed(cast):
    private.words_keep(cast.ana.member.pk, cast.ana.keyring, [(None, {"text": "Taken along.", "kind": "answer"})])
    row = PrivateWord.objects.get(member=cast.ana.member)
    assert cast.ana.client.get(f"/reflect/write/{row.id}/").status_code == 404
    assert "Change it" not in entries(cast.ana)


def test_a_draft_waits_sealed_until_it_is_kept(cast):
    answer = cast.ana.client.post("/reflect/write/draft/", {"text": "Half a"}, headers={"Accept": "application/json"})
    assert answer.json()["saved"] is True
    row = MemberRow.objects.get(member=cast.ana.member, place=vault.Place.JOURNAL_DRAFT)
    assert b"Half a" not in bytes(row.body)
    assert "Half a" in cast.ana.client.get("/reflect/write/").content.decode()
    cast.ana.client.post("/reflect/write/", {"text": "Half a thought, finished."})
    assert "Half a" not in cast.ana.client.get("/reflect/write/").content.decode()


@pytest.mark.parametrize(
    "bad",
    [{"text": ""}, {"text": "x" * 20_001}, {"text": "ok", "feelings": ["no such"]}, {"text": "ok", "own": "y" * 121}],
)
def test_bad_input_keeps_what_was_typed(cast, bad):
    page = cast.ana.client.post("/reflect/write/", {"feelings": ["glad"], **bad})
    assert page.status_code == 422
    assert bad["text"] in page.content.decode()
    assert not PrivateWord.objects.filter(member=cast.ana.member).exists()


def test_what_was_typed_when_it_locked_is_back(cast):
    cast.ana.client.post("/lock/", {"next": "/reflect/write/", "path": "/reflect/write/", "text": "In mid"})
    assert cast.ana.client.get("/reflect/write/").status_code == 403
    cast.ana.client.post("/unlock/", {"passphrase": PASSPHRASE})
    assert cast.ana.client.get("/reflect/write/").status_code == 200


def test_the_coach_answers_beneath_an_entry_when_asked(cast):
    cast.ana.client.post("/coach/", {"use": "tips"})
    assert 'formaction="/land/"' in cast.ana.client.get("/reflect/write/").content.decode()
    answer = cast.ana.client.post("/land/", {"text": "I felt sad."}, headers={"X-Land": "1"}).content.decode()
    assert "landing" in answer
    assert cast.ana.client.get("/land/").url == "/reflect/write/"


def test_entries_are_in_the_copy(cast):
    cast.ana.client.post("/reflect/write/", {"text": "For the copy.", "feelings": ["hopeful"]})
    entries = list(copying.entries_of(Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])))
    (found,) = [values for section, values in entries if section == "words" and values["kind"] == "journal"]
    CHECK.validate({"section": "words", "entries": [found]})
    assert (found["text"], found["feelings"]) == ("For the copy.", ["hopeful"])
    word = opening._word(found, "words")
    assert (word.kind, word.entry()["feelings"]) == ("journal", ["hopeful"])
