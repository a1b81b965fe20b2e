"""Taking everything along, and bringing one's own words into another Closeknit."""

from __future__ import annotations

import io
import json
import tempfile
import uuid
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from closeknit.method import moment as machine
from closeknit.web import clock
from closeknit.web.bonds import leaving, private
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import Event, Item, PrivateWord, Wrap
from closeknit.web.content import content_root
from closeknit.web.dialogues.models import Dialogue
from closeknit.web.moments import services as moments
from closeknit.web.moments.models import Moment
from closeknit.web.sealed import kinds
from closeknit.web.sealed.kinds import REGISTRY, Reading
from closeknit.web.taking import copying, opening, services
from closeknit.web.taking.models import Arrival
from tests.cast import PASSPHRASE, Person
from tests.web.talk import ask

pytestmark = pytest.mark.django_db
SCHEMA = json.loads((content_root() / "schema" / "export.schema.json").read_text("utf-8"))
CHECK = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


LONG_AGO = "2019-02-03T04:05:06+00:00"


def confirmed(person: Person):
    """Their browser, with the passphrase typed again just now."""
    person.client.post("/confirm/", {"passphrase": PASSPHRASE})
    return person.client


def take(person: Person) -> bytes:
    answer = confirmed(person).post("/you/export/")
    assert answer.status_code == 200 and answer["Content-Type"] == "application/zip"
    return b"".join(answer.streaming_content)


def data_of(raw: bytes) -> dict[str, list[dict]]:
    archive = zipfile.ZipFile(io.BytesIO(raw))
    assert archive.testzip() is None
    manifest = json.loads(archive.read("closeknit.json"))
    found = {}
    for section, about in manifest["sections"].items():
        pages = [json.loads(archive.read(name)) for name in about["files"]]
        found[section] = [entry for page in pages for entry in page["entries"]]
        assert len(found[section]) == about["entries"]
    return found


def bring(person: Person, raw: bytes):
    file = SimpleUploadedFile("copy.zip", raw, content_type="application/zip")
    return confirmed(person).post("/you/import/", {"file": file})


def canonical(raw: bytes) -> Counter:
    """The part of one's own words that goes wherever they go."""
    names = ("id", "kind", "text", "prompt", "at", "from")
    words = data_of(raw).get("words", [])
    return Counter(tuple(word[name] for name in names) for word in words if word["text"])


def live(cast) -> None:
    """Something of every kind."""
    first = cast.first_moment(cast.ana).id
    cast.both_answer(first, ana="kumquat of Ana", jonas="quince of Jonas")
    ana, jonas = cast.ana.bond(cast.pair), cast.jonas.bond(cast.pair)
    moments.answer_event(ana, first, machine.Event.responded(cast.ana.id, cast.jonas.id, machine.Choice.THANKS))
    moments.words_say(ana, first, cast.jonas.id, "medlar beneath")
    moments.change_note(ana, first, "loquat later")
    for number in range(4):
        with clock.shifted(timedelta(days=-40 * number)):
            late = moments.moment_open(cast.ana.bond(cast.pair), {"text": f"Prompt *{number}*?", "level": 2})
        moments.draft_write(ana, late, f"draft {number}", passed=number == 2)
    moments.draft_pass(ana, moments.moment_open(cast.ana.bond(cast.pair), {"text": "Passed by?"}))
    moments.own_prompt_write(cast.ana.bond(cast.pair), "What did the sea sound like?")
    private.words_keep(
        cast.ana.member.pk,
        cast.ana.keyring,
        [(None, {"text": "from long ago", "prompt": "Then?", "kind": "answer", "at": LONG_AGO, "bond": "Old"})],
    )
    moments.answer_share(jonas, late.id, "hidden pomegranate")
    for _talk in range(3):
        talk = ask(cast, "good-news").begin()
        talk.say("a heron")
        talk.say("which heron")
        talk.post(cast.ana, "own", field="scratch", text="ask about the boat")
        talk.post(cast.jonas, "own", field="scratch", text="hidden sarsaparilla")
        talk.post(cast.ana, "end")
        talk.post(cast.ana, "after", line="breathe out", safe="9")
        talk.post(cast.ana, "agree", text="a walk on Sunday", back="7")
        Dialogue.objects.filter(pk=talk.id).update(asked_at=clock.now() - timedelta(minutes=5))


# -- what a copy holds ------------------------------------------------------------------------------------------------


def test_a_copy_holds_everything_of_ones_own_and_is_as_the_schema_says(cast):
    live(cast)
    raw = take(cast.ana)
    archive = zipfile.ZipFile(io.BytesIO(raw))
    for name in archive.namelist():
        if name.endswith(".json") and not name.startswith("schema/"):
            CHECK.validate(json.loads(archive.read(name)))
    assert json.loads(archive.read("schema/export.schema.json")) == SCHEMA
    data = data_of(raw)
    texts = Counter(word["kind"] for word in data["words"])
    talks = {"turn": 6, "scratch": 3, "line": 3}
    assert texts == {"answer": 2, "reply": 1, "note": 1, "draft": 5, "prompt": 1, **talks}
    ids = {word["id"] for word in data["words"]}
    assert {str(pk) for pk in Item.objects.filter(author=cast.ana.member).values_list("pk", flat=True)} <= ids
    assert len(data["dialogues"]) == 3 and {one["my_line"] for one in data["dialogues"]} == {"breathe out"}
    for section in ("account", "settings", "record", "sessions", "bonds", "memberships", "choices", "invitations"):
        assert data[section], section
    assert data["bonds"][0]["people"][1]["name"] == "Jonas"
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"quince of Jonas" in everything and b"hidden pomegranate" not in everything
    assert b"which heron" in everything and b"hidden sarsaparilla" not in everything
    assert PASSPHRASE.encode() not in everything


def test_the_schema_describes_each_section_and_refuses_what_it_does_not_know(cast):
    live(cast)
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    for section, values in copying.entries_of(reading):
        CHECK.validate({"section": section, "entries": [values]})
        with pytest.raises(jsonschema.ValidationError):
            CHECK.validate({"section": section, "entries": [{**values, "surprise": 1}]})


def test_every_exporter_reads_in_short_pages(cast, monkeypatch):
    """The first entries come before the last rows were read, and no query asks for more than a page."""
    from closeknit.web.bonds import private as private_part
    from closeknit.web.dialogues import kinds as dialogue_kinds
    from closeknit.web.moments import kinds as moment_kinds

    live(cast)
    monkeypatch.setattr(kinds, "PAGE", 2)
    monkeypatch.setattr(moment_kinds, "ROUND", 2)
    monkeypatch.setattr(dialogue_kinds, "ROUND", 2)
    monkeypatch.setattr(private_part, "_READ", 2)
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    asked: list[str] = []

    def watch(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        assert asked == []
        stream = copying.entries_of(reading)
        next(entry for entry in stream if entry[0] == "moments")
        before = len(asked)
        rest = list(stream)
    assert len(asked) > before + 4 and len(rest) > 6
    unbounded = [sql for sql in asked if sql.startswith("SELECT") and "LIMIT" not in sql and " IN (" not in sql]
    # What was typed when a session locked: at most twenty, kept by page.
    assert all("members_dropped" in sql for sql in unbounded), unbounded
    assert len([kind for kind in REGISTRY.values() if kind.export]) >= 10


STATES = ("unrevealed", "released", "revealed", "withdrawn", "unsaid")


@pytest.mark.parametrize("state", STATES)
def test_of_others_exactly_what_the_page_shows(cast, state):
    """SAFETY row 16, state by state."""
    moment = cast.first_moment(cast.ana).id
    jonas = lambda: cast.jonas.bond(cast.pair)  # noqa: E731
    moments.answer_share(jonas(), moment, "tamarind answer")
    if state == "released":
        moments.answer_event(jonas(), moment, machine.Event.released(cast.jonas.id))
    elif state != "unrevealed":
        moments.answer_share(cast.ana.bond(cast.pair), moment, "Ana's own")
        moments.answer_event(jonas(), moment, machine.Event.responded(cast.jonas.id, cast.ana.id, machine.Choice.THANKS))
        said = moments.words_say(jonas(), moment, cast.ana.id, "tamarind beneath").words[-1].item
    if state == "withdrawn":
        moments.answer_withdraw(jonas(), moment)
    if state == "unsaid":
        moments.words_unsay(jonas(), moment, uuid.UUID(said))
    page = cast.ana.client.get(f"/b/{cast.pair}/m/{moment}/").content.decode()
    archive = zipfile.ZipFile(io.BytesIO(take(cast.ana)))
    copy = "".join(archive.read(name).decode() for name in archive.namelist())
    for words in ("tamarind answer", "tamarind beneath"):
        assert (words in page) == (words in copy), words
    assert ("tamarind answer" in copy) == (state in {"released", "revealed", "unsaid"})
    assert ("tamarind beneath" in copy) == (state in {"revealed", "withdrawn"})


def test_in_a_circle_whoever_has_no_seat_takes_nothing_of_others(cast):
    circle = cast.circle()
    moment = cast.first_moment(cast.ana, circle).id
    for person in (cast.ana, cast.jonas):
        moments.answer_share(person.bond(circle), moment, f"persimmon of {person.name}", rule=machine.Rule.TWO)
    copy = "".join(json.dumps(entry) for entry in data_of(take(cast.cleo))["moments"])
    page = cast.cleo.client.get(f"/b/{circle}/m/{moment}/").content.decode()
    assert "persimmon" not in copy and "persimmon" not in page
    moments.answer_share(cast.cleo.bond(circle), moment, "and Cleo's")
    assert json.dumps(data_of(take(cast.cleo))["moments"]).count("persimmon") == 2


def test_a_damaged_row_is_named_and_the_rest_comes(cast):
    oldest = cast.first_moment(cast.ana).id
    live(cast)
    streams = Event.objects.filter(bond=cast.pair).exclude(stream=cast.pair)
    cut = streams.exclude(stream=oldest).first()
    Event.objects.filter(pk=cut.pk).update(number=99)
    data = data_of(take(cast.ana))
    assert [one["id"] for one in data["unreadable"]] == [str(cut.stream)]
    assert "quince of Jonas" in json.dumps(data["moments"])


def test_pages_to_read_load_nothing_and_hold_no_live_mark_up(cast):
    moment = cast.first_moment(cast.ana).id
    evil = '<img src="https://evil.example/x.png"> ![x](https://evil.example/y.png) <script>1</script>'
    cast.both_answer(moment, ana="mine", jonas=evil)
    archive = zipfile.ZipFile(io.BytesIO(take(cast.ana)))
    pages = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".html")]
    assert len(pages) >= 2
    for page in pages:
        assert "<script" not in page and "<img" not in page and "src=" not in page.replace("src=&quot;", "")
        assert "default-src 'none'" in page and "prefers-color-scheme: dark" in page
    notes = "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".md"))
    assert "evil.example" in notes and "<img" not in notes.replace("\\<img", "") and "![x]" not in notes


def test_a_month_belongs_to_the_members_own_calendar(cast):
    moment = cast.first_moment(cast.ana).id
    Moment.objects.filter(pk=moment).update(opened_at=datetime(2026, 3, 31, 23, 30, tzinfo=UTC))
    names = zipfile.ZipFile(io.BytesIO(take(cast.ana))).namelist()
    assert "pages/1-ana-jonas/2026-04.html" in names and "pages/1-ana-jonas/2026-03.html" not in names
    page = zipfile.ZipFile(io.BytesIO(take(cast.ana))).read("pages/1-ana-jonas/2026-04.html").decode()
    assert "1 April 2026" in page


def test_long_months_are_cut_into_pages(cast, monkeypatch):
    from closeknit.web.taking import paper

    monkeypatch.setattr(paper, "MOST_ENTRIES", 2)
    monkeypatch.setattr(copying, "MOST_ENTRIES", 3)
    for number in range(4):
        moments.moment_open(cast.ana.bond(cast.pair), {"text": f"One more, {number}?"})
    archive = zipfile.ZipFile(io.BytesIO(take(cast.ana)))
    pages = [name for name in archive.namelist() if name.startswith("pages/")]
    assert len(pages) == 3
    index = archive.read("index.html").decode()
    assert all(f'href="{name}"' in index for name in pages)
    assert len(json.loads(archive.read("closeknit.json"))["sections"]["moments"]["files"]) == 2


# -- how it is made ---------------------------------------------------------------------------------------------------


def test_it_asks_for_the_passphrase_again_and_says_what_it_is(cast):
    assert cast.ana.client.post("/you/export/").url.startswith("/confirm/")
    page = confirmed(cast.ana).get("/you/export/").content.decode()
    assert "Whoever has the file can read it" in page
    take(cast.ana)
    assert "Took a copy of everything" in cast.ana.client.get("/you/record/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_copies_at_once_and_a_kind_page_for_the_third(cast):
    first, second = (confirmed(person).post("/you/export/") for person in (cast.ana, cast.jonas))
    next(iter(first.streaming_content))
    third = confirmed(cast.cleo).post("/you/export/")
    assert third.status_code == 429 and "Nothing is wrong" in third.content.decode() and third["Retry-After"]
    first.close()
    fourth = confirmed(cast.cleo).post("/you/export/")
    assert fourth.status_code == 200
    # One whose body nobody ever asked for gives its place back too.
    second.close()
    fourth.close()
    for _again in range(3):
        assert data_of(take(cast.ana))["moments"]


def test_the_keys_stay_until_the_body_is_closed_and_no_longer(cast):
    answer = confirmed(cast.ana).post("/you/export/")
    keys = answer.wsgi_request.keys
    assert keys._keyring is not None
    raw = b"".join(answer.streaming_content)
    assert data_of(raw)["moments"]
    assert keys._keyring is None


def test_nothing_readable_lies_on_the_disk(cast, settings, tmp_path, monkeypatch):
    """While it is taken and while it is brought: not in the data folder, not in the temporary one."""
    live(cast)
    words = [b"kumquat of Ana", b"quince of Jonas", b"from long ago", b"loquat later"]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def scan() -> list[str]:
        files = [path for root in (Path(settings.CONFIG.data), tmp_path) for path in root.rglob("*") if path.is_file()]
        assert files
        return [f"{path}: {word!r}" for path in files for word in words if word in path.read_bytes()]

    answer = confirmed(cast.ana).post("/you/export/")
    parts = []
    for part in answer.streaming_content:
        parts.append(part)
        assert scan() == []
    raw = b"".join(parts)
    # Large enough that Django's own handler would have put it in a file.
    padded = io.BytesIO(raw)
    with zipfile.ZipFile(padded, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("pages/large.html", "x" * (3 * 1024 * 1024))
    assert bring(cast.eve, padded.getvalue()).status_code == 302
    assert Arrival.objects.filter(member=cast.eve.member).count() >= 2 and scan() == []
    cast.eve.client.post("/you/import/", {"do": "bring"})
    assert PrivateWord.objects.filter(member=cast.eve.member).exists() and scan() == []


# -- bringing words ---------------------------------------------------------------------------------------------------


def test_there_and_back_nothing_of_ones_own_words_is_lost(cast):
    live(cast)
    first = take(cast.ana)
    assert bring(cast.eve, first).url == "/you/import/"
    page = cast.eve.client.get("/you/import/").content.decode()
    assert "Bring 21 texts" in page and "An answer: 2" in page and "without any text" in page
    assert not PrivateWord.objects.filter(member=cast.eve.member).exists(), "nothing comes before a yes"
    came = cast.eve.client.post("/you/import/", {"do": "bring"}).content.decode()
    assert "It is here" in came and "An answer: 2" in came and 'href="/you/words/"' in came
    assert not Arrival.objects.exists()
    second = take(cast.eve)
    assert canonical(second) == canonical(first) and sum(canonical(first).values()) == 21
    shown = cast.eve.client.get("/you/words/").content.decode()
    assert "kumquat of Ana" in shown and "quince of Jonas" not in shown and "3 February 2019" in shown
    assert "Brought words from elsewhere" in cast.eve.client.get("/you/record/").content.decode()


def test_bringing_twice_brings_once(cast):
    live(cast)
    raw = take(cast.ana)
    for _again in range(2):
        bring(cast.eve, raw)
        cast.eve.client.post("/you/import/", {"do": "bring"})
    assert PrivateWord.objects.filter(member=cast.eve.member).count() == 21
    bring(cast.eve, raw)
    assert "Nothing that is not here already" in cast.eve.client.get("/you/import/").content.decode()
    # Into the Closeknit that they came from, while they are still in their bonds: nothing either.
    bring(cast.ana, raw)
    cast.ana.client.post("/you/import/", {"do": "bring"})
    assert PrivateWord.objects.filter(member=cast.ana.member).count() == 1
    bring(cast.ana, take(cast.eve))
    assert services.waiting(cast.ana.member, cast.ana.keyring).coming == 0


@pytest.mark.parametrize("rule", ["leave", "stay"])
def test_words_that_were_taken_along_are_known_again(cast, rule):
    names = {"name": "Two", "own_name": "Ana", "thread": "madder"}
    made = bonds.bond_create(cast.ana.member, cast.ana.keyring, kind="friends", leave_rule=rule, **names)
    cast.join(cast.ana, cast.jonas, made.id)
    cast.pair = made.id
    live(cast)
    raw = take(cast.ana)
    leaving.bond_leave(cast.ana.bond(cast.pair))
    bring(cast.ana, raw)
    assert services.waiting(cast.ana.member, cast.ana.keyring).coming == 0
    assert {word[0] for word in canonical(take(cast.ana))} == {word[0] for word in canonical(raw)}


def test_what_is_brought_opens_for_its_owner_alone(cast):
    live(cast)
    bring(cast.eve, take(cast.ana))
    services.bring(cast.eve.member, cast.eve.keyring)
    items = Item.objects.filter(private_word__member=cast.eve.member)
    assert items.count() == 21 and not items.filter(bond__isnull=False).exists()
    assert not Wrap.objects.filter(item__in=items).exclude(target=Wrap.Target.SELF).exists()
    word = PrivateWord.objects.filter(member=cast.eve.member).first()
    assert cast.jonas.client.post(f"/you/words/{word.pk}/delete/").status_code == 404
    assert cast.eve.client.post(f"/you/words/{word.pk}/delete/").status_code == 302
    assert not Item.objects.filter(pk=word.item_id).exists()


def test_what_nobody_said_yes_to_goes(cast):
    live(cast)
    raw = take(cast.ana)
    bring(cast.eve, raw)
    cast.eve.client.post("/you/import/", {"do": "away"})
    assert not Arrival.objects.exists()
    bring(cast.eve, raw)
    assert services.arrivals_sweep() == 0
    with clock.shifted(timedelta(minutes=61)):
        assert services.arrivals_sweep() > 0 and not Arrival.objects.exists()
    assert services.bring(cast.eve.member, cast.eve.keyring) == {}


def test_all_or_nothing(cast, monkeypatch):
    live(cast)
    bring(cast.eve, take(cast.ana))
    monkeypatch.setattr(private, "_BATCH", 2)
    true_item, made = private._private_item, []

    def breaks(*args):
        made.append(1)
        if len(made) == 6:
            raise RuntimeError
        return true_item(*args)

    monkeypatch.setattr(private, "_private_item", breaks)
    with pytest.raises(RuntimeError):
        services.bring(cast.eve.member, cast.eve.keyring)
    assert not PrivateWord.objects.filter(member=cast.eve.member).exists()
    assert Arrival.objects.filter(member=cast.eve.member, number=0).exists(), "it can be tried again"


def repacked(raw: bytes, change) -> bytes:
    """The same ZIP with each file as `change(name, content)` wants it; None leaves it out."""
    found, out = zipfile.ZipFile(io.BytesIO(raw)), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in found.namelist():
            content = change(name, found.read(name))
            if content is not None:
                archive.writestr(name, content)
    return out.getvalue()


def words_with(**values):
    """Every word file with each entry changed."""

    def change(name: str, content: bytes) -> bytes:
        if not name.startswith("data/words"):
            return content
        page = json.loads(content)
        return json.dumps({**page, "entries": [{**entry, **values} for entry in page["entries"]]}).encode()

    return change


def swap(wanted: str, content: bytes | None):
    return lambda name, old: content if name == wanted else old


WORDS = "data/words-0001.json"
BROKEN = {
    "no ZIP": (lambda raw: b"not a zip at all, but words", "not a ZIP file"),
    "cut off": (lambda raw: raw[: len(raw) // 2], "not a ZIP file"),
    "another ZIP": (lambda raw: repacked(raw, swap("closeknit.json", None)), "closeknit.json is missing"),
    "not ours": (lambda raw: repacked(raw, swap("closeknit.json", b'{"format": "x"}')), "closeknit.json is missing"),
    "a list": (lambda raw: repacked(raw, swap("closeknit.json", b"[]")), "not in the form"),
    "newer": (
        lambda raw: repacked(raw, swap("closeknit.json", b'{"format": "closeknit-export", "version": 99}')),
        "newer Closeknit",
    ),
    "no sections": (
        lambda raw: repacked(raw, swap("closeknit.json", b'{"format": "closeknit-export", "version": 1}')),
        "not in the form",
    ),
    "a page short": (lambda raw: repacked(raw, swap(WORDS, None)), f"{WORDS} is missing"),
    "not JSON": (lambda raw: repacked(raw, swap(WORDS, b"{")), WORDS),
    "too deep": (lambda raw: repacked(raw, swap(WORDS, b"[" * 200_000)), WORDS),
    "no list": (lambda raw: repacked(raw, swap(WORDS, b'{"entries": 3}')), WORDS),
    "entries short": (lambda raw: repacked(raw, swap(WORDS, b'{"entries": []}')), "closeknit.json"),
    "no id": (lambda raw: repacked(raw, words_with(id="x")), WORDS),
    "no text": (lambda raw: repacked(raw, words_with(text=["x"])), WORDS),
    "no time": (lambda raw: repacked(raw, words_with(at="yesterday")), WORDS),
    "far future": (lambda raw: repacked(raw, words_with(at="9999-12-31T23:59:59-20:00")), WORDS),
    "a bomb": (lambda raw: repacked(raw, lambda name, old: b" " * (9 << 20) if name == WORDS else old), "at once"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_wrong_with_a_file_is_named_and_nothing_of_it_comes(cast, kind):
    live(cast)
    change, says = BROKEN[kind]
    answer = bring(cast.eve, change(take(cast.ana)))
    page = answer.content.decode()
    assert answer.status_code == 422 and says in page and "<title>Error:" in page
    assert not Arrival.objects.exists() and not PrivateWord.objects.filter(member=cast.eve.member).exists()


def test_a_damaged_file_inside_is_named(cast):
    live(cast)
    raw = bytearray(repacked(take(cast.ana), lambda name, old: old))
    about = zipfile.ZipFile(io.BytesIO(raw)).getinfo(WORDS)
    raw[about.header_offset + 30 + len(WORDS) + about.compress_size // 2] ^= 0xFF
    answer = bring(cast.eve, bytes(raw))
    assert answer.status_code == 422 and f"{WORDS} in it is damaged" in answer.content.decode()


def test_limits_hold_whatever_a_file_claims(cast, monkeypatch):
    live(cast)
    raw = take(cast.ana)
    for name, most in (("MOST_FILES", 3), ("MOST_WORDS", 3), ("MOST_BYTES", 100), ("MOST_FILE_BYTES", 100)):
        monkeypatch.setattr(opening, name, most)
        answer = bring(cast.eve, raw)
        assert answer.status_code == 422 and "more in this file" in answer.content.decode(), name
        monkeypatch.undo()
    monkeypatch.setattr(opening, "RATIO_MATTERS_FROM", 10)
    monkeypatch.setattr(opening, "MOST_RATIO", 1)
    assert "unpacks to far more" in bring(cast.eve, raw).content.decode()
    # The size in the list of files is a claim too.
    monkeypatch.undo()
    lying = bytearray(repacked(raw, swap(WORDS, b" " * (9 << 20))))
    entry = lying.rindex(WORDS.encode()) - 46
    assert lying[entry : entry + 4] == b"PK\x01\x02"
    lying[entry + 24 : entry + 28] = (100).to_bytes(4, "little")
    answer = bring(cast.eve, bytes(lying))
    assert answer.status_code == 422 and not Arrival.objects.exists()


def test_texts_that_have_no_place_here_are_counted_and_left_out(cast):
    live(cast)
    raw = take(cast.ana)
    for text, reason in (("x" * 20_001, "too long"), ("a\0b", "cannot be stored"), ("\ud800", "cannot be stored")):
        assert bring(cast.eve, repacked(raw, words_with(text=text))).status_code == 302
        page = cast.eve.client.get("/you/import/").content.decode()
        assert "22 texts cannot come:" in page and reason in page
        assert services.waiting(cast.eve.member, cast.eve.keyring).coming == 0


def test_a_copy_packed_again_by_hand_is_read(cast):
    live(cast)
    raw, out = take(cast.ana), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        found = zipfile.ZipFile(io.BytesIO(raw))
        for name in found.namelist():
            archive.writestr(f"my copy/{name}", found.read(name))
            archive.writestr(f"__MACOSX/my copy/._{name}", b"x")
    assert bring(cast.eve, out.getvalue()).status_code == 302
    assert services.waiting(cast.eve.member, cast.eve.keyring).coming == 21


def test_an_empty_form_says_what_is_missing(cast):
    answer = confirmed(cast.eve).post("/you/import/")
    assert answer.status_code == 422 and "Choose the file first." in answer.content.decode()


def test_pages_of_own_words_by_month(cast):
    entries = [(None, {"text": f"text {n}", "at": f"2024-{1 + n % 2:02}-03T04:05:06+00:00"}) for n in range(120)]
    private.words_keep(cast.ana.member.pk, cast.ana.keyring, entries)
    page = cast.ana.client.get("/you/words/").content.decode()
    assert "January 2024" in page and page.count("Delete this text") == 50
    january = cast.ana.client.get("/you/words/?month=2024-01&page=2").content.decode()
    assert january.count("Delete this text") == 10 and "2024-02-03" not in january
    for wrong in ("page=0", "page=x", "page=99", "month=x", "month=2024-13"):
        assert cast.ana.client.get(f"/you/words/?{wrong}").status_code == 404
