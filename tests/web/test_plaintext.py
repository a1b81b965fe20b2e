"""A hostile reader finds no word: not in tables, files, the log, the session store, pokes or error reports."""

from __future__ import annotations

import io
import logging
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection

from closeknit.web import clock, live, tasks
from closeknit.web.moments import deck
from closeknit.web.moments import services as moments
from closeknit.web.reporter import QuietFormatter
from tests.cast import PASSPHRASE, Cast

MARKERS = [
    "kumquat-answer",
    "zeppelin-draft",
    "marzipan-reply",
    "ocarina-prompt",
    "gherkin-note",
    "velodrome-withdrawn",
    "Sunday table",
    "Ana & Jonas",
    "xylophone-display",
    "trombone-search",
    "pelican-locked",
    "lighthouse-turn",
    "marmalade-topic",
    "sassafras-note",
    "umbrella-scratch",
    "wisteria-line",
    "yarrow-agreed",
    "turnstile-missing",
    "Until it is understood",
    PASSPHRASE,
]


def found_in(data: bytes) -> list[str]:
    """Which of the known words lie readable in these bytes, in any of the ways they might."""
    import base64

    hits = []
    for word in MARKERS:
        raw = word.encode()
        shapes = {raw, word.encode("utf-16-le"), raw.hex().encode(), base64.b64encode(raw)[:-4], word.upper().encode()}
        if any(len(shape) > 5 and shape in data for shape in shapes):
            hits.append(word)
    return hits


def live_some_months(cast: Cast) -> None:
    """Months of shared life with known words, through the real pages."""
    cast.circle()
    cast.ana.client.post(
        "/you/", {"name": "xylophone-display", "zone": "Europe/Berlin", "lock_minutes": "15", "theme": "auto"}
    )
    for day in range(0, 120, 20):
        with clock.shifted(timedelta(days=day)):
            for person in (cast.ana, cast.jonas):
                person.client.post("/unlock/", {"passphrase": PASSPHRASE})
            opened = cast.ana.bond(cast.pair)
            deck.offer_next(opened)
            opened = cast.ana.bond(cast.pair)
            offer = deck.offered(opened)
            moment = deck.open_offer(opened, offer).id
            base = f"/b/{cast.pair}/m/{moment}/"
            cast.ana.client.post(base + "draft/", {"text": f"zeppelin-draft {day}"})
            cast.ana.client.post(base + "share/", {"text": f"kumquat-answer {day}"})
            cast.jonas.client.post(base + "share/", {"text": f"kumquat-answer back {day}"})
            cast.ana.client.post(base + "respond/", {"to": cast.jonas.id, "choice": "thanks"})
            cast.ana.client.post(base + "say/", {"to": cast.jonas.id, "text": "marzipan-reply"})
            cast.ana.client.post(base + "changed/", {"text": "gherkin-note"})
            cast.ana.client.post(f"/b/{cast.pair}/prompts/", {"text": "ocarina-prompt, was it?"})
            cast.ana.client.post(f"/b/{cast.pair}/thread/search/", {"words": "trombone-search"})
            talk_about_it(cast, day)
    moment = moments.moment_open(cast.ana.bond(cast.pair), {"text": "ocarina-prompt"}).id
    base = f"/b/{cast.pair}/m/{moment}/"
    cast.ana.client.post(base + "share/", {"text": "velodrome-withdrawn"})
    cast.ana.client.post(base + "withdraw/")
    cast.ana.client.post("/lock/", {"text": "pelican-locked", "next": base})
    cast.ana.client.post(base + "share/", {"text": "pelican-locked"})


def talk_about_it(cast: Cast, day: int) -> None:
    """A dialogue with words in every field there is, kept or let go in turn."""
    from tests.web.talk import ask, pass_the_check, settled

    settled(cast.pair)
    pass_the_check(cast.pair, cast.ana, cast.jonas)
    talk = ask(cast, "understood", topic="marmalade-topic")
    talk.post(cast.jonas, "accept")
    for person in talk.people:
        talk.post(person, "ready", notes="on", heat="2")
    talk.all_ready()
    speaker = talk.speaker
    talk.post(speaker, "own", text="zeppelin-draft of a turn")
    talk.say("lighthouse-turn")
    talk.post(speaker, "own", field="scratch", text="umbrella-scratch")
    talk.do(talk.speaker, "reflected", how="spoken", text="sassafras-note")
    talk.do(speaker, "judged", verdict="partly", text="turnstile-missing")
    talk.post(speaker, "end")
    for person in talk.people:
        talk.post(person, "after", understood="8", safe="9", line="wisteria-line")
    talk.post(cast.jonas, "agree", text="yarrow-agreed", back="14")
    talk.post(cast.ana, "keep", keep="yes")
    talk.post(cast.jonas, "keep", keep="yes" if day % 40 else "no")
    assert talk.text(cast.ana)


def every_value() -> bytes:
    """All tables, as text and bytes, sessions and queues included."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                parts += [bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row]
    return b"\n".join(parts)


@pytest.mark.django_db(transaction=True)
def test_no_known_word_is_anywhere(caplog, monkeypatch):
    poked: list[str] = []
    monkeypatch.setattr(live, "_send", lambda message: poked.append(repr(message)))
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(QuietFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        live_some_months(Cast())
    finally:
        root.removeHandler(handler)
    data = every_value()
    assert len(data) > 50_000, "the months were not lived"
    assert found_in(data) == []
    from django.contrib.sessions.models import Session

    sessions = [str(one.get_decoded()).encode() for one in Session.objects.all()]
    assert sessions and found_in(b"".join(sessions)) == []
    assert poked and found_in("".join(poked).encode()) == []
    assert found_in(stream.getvalue().encode()) == []
    if connection.vendor == "sqlite":
        assert tasks.checkpoint()
        path = Path(connection.settings_dict["NAME"])
        files = [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]
        assert found_in(b"".join(file.read_bytes() for file in files if file.exists())) == []


def test_the_scan_can_fail():
    assert found_in(b"... kumquat-answer ...") == ["kumquat-answer"]


@pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason="about SQLite's own files")
@pytest.mark.django_db(transaction=True)
def test_withdrawn_envelopes_are_overwritten_on_the_disk(cast):
    from closeknit.web.bonds.models import Item

    moment = cast.first_moment(cast.ana).id
    moments.answer_share(cast.ana.bond(cast.pair), moment, "to be taken back")
    envelope = bytes(Item.objects.get(stream=moment).body)
    moments.answer_withdraw(cast.ana.bond(cast.pair), moment)
    for _attempt in range(50):
        if tasks.checkpoint():
            break
    path = Path(connection.settings_dict["NAME"])
    disk = b"".join(f.read_bytes() for f in path.parent.glob(path.name + "*"))
    assert envelope[60:200] not in disk


@pytest.mark.django_db
def test_every_column_is_sealed_or_named_metadata():
    """A new column has to be one or the other; docs/security.md lists the second kind in words."""
    metadata = {
        "members.member": "id username email public_key is_host is_staff is_active is_superuser date_joined lock_minutes "
        "theme language discreet under_18 must_renew password erase_at",
        "members.memberrow": "id revision member place",
        "members.recordline": "id revision member number",
        "members.secretwrap": "id member opener factor salt revision created_at confirmed_at",
        "members.factor": "id revision member kind authenticator",
        "mfa.authenticator": "id user type data created_at last_used_at",
        "members.ownsession": "id member session_key device first_day last_day",
        "members.dropped": "id revision member wrap_id",
        "members.limit": "key tries first_at until",
        "bonds.bond": "id kind leave_rule created_at epoch stale opened_together ended_at",
        "bonds.membership": "id bond member joined_at ended_at first_epoch",
        "bonds.bondrow": "id revision bond member place",
        "bonds.bondepoch": "id bond epoch maker roster made_at",
        "bonds.bondkey": "id revision bond member epoch",
        "bonds.grant": "id bond epoch sender recipient",
        "bonds.invitation": "id bond inviter newcomer state secret_hash created_at expires_at wrong_tries",
        "bonds.refusal": "id revision member inviter until",
        "bonds.event": "id revision bond stream number",
        "bonds.streamhead": "id revision member bond stream",
        "bonds.item": "id revision author bond stream",
        "bonds.wrap": "id revision item target epoch",
        "bonds.privateword": "id revision member item month",
        "moments.moment": "id revision bond epoch opened_at revealed_at",
        "moments.draft": "id revision member moment",
        "moments.ownprompt": "id revision bond author written_at",
        "dialogues.dialogue": "id revision bond epoch asked_at over_at",
        "dialogues.dialogueown": "id revision member dialogue",
        "dialogues.dialoguechoice": "id revision member dialogue",
        "reflect.sheet": "id revision member",
        "reflect.picture": "id revision member word",
        "reflect.picturepart": "id revision picture number",
        "taking.arrival": "id revision member number made_at",
        "sealed.removal": "id label row revision at kind",
    }
    from closeknit.web.sealed.models import SealedField

    open_columns = {}
    ours = {"members", "bonds", "moments", "dialogues", "reflect", "sealed", "taking", "mfa"}
    for model in apps.get_models():
        if model._meta.app_label in ours and not model._meta.auto_created:
            names = [f.name for f in model._meta.concrete_fields if not isinstance(f, SealedField)]
            open_columns[model._meta.label_lower] = set(names)
    assert open_columns == {label: set(names.split()) for label, names in metadata.items()}


@pytest.mark.django_db
def test_clear_text_cannot_be_written(cast):
    from closeknit.web.bonds.models import Item

    for clear in (b"clear words", "clear words", bytearray(b"x")):
        with pytest.raises(TypeError):
            Item.objects.create(author=cast.ana.member, stream=cast.pair, body=clear)
    with pytest.raises(TypeError):
        Item.objects.update(body=b"clear words")


@pytest.mark.django_db
def test_errors_raised_with_content_at_hand_report_no_word(cast, monkeypatch):
    """Every address, raising with known words in its locals, its form, its cookies and its exception."""
    from django.test import Client
    from django.urls import reverse

    from tests.web.test_matrix import url_names

    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(QuietFormatter())
    logging.getLogger().addHandler(handler)
    moment = cast.first_moment(cast.ana).id
    client: Client = cast.ana.client
    client.raise_request_exception = False
    client.cookies["gherkin"] = "gherkin-note"

    def broken(*_args, **_kwargs):
        kept = "zeppelin-draft"
        raise RuntimeError("kumquat-answer", kept)

    raised = 0
    try:
        for name, pattern in url_names().items():
            kwargs = dict.fromkeys(pattern.pattern.converters, moment)
            if "mark" in kwargs:
                kwargs["mark"] = "0123456789abcdef"
            if "bond_id" in kwargs:
                kwargs["bond_id"] = cast.pair
            if "token" in kwargs:
                kwargs["token"] = "kumquat-answer"
            monkeypatch.setattr(pattern, "callback", broken)
            get_path = reverse(name, kwargs=kwargs)
            answer = client.post(get_path, {"text": "marzipan-reply, and twenty characters more"})
            assert answer.status_code == 500, name
            page = answer.content.decode()
            assert "kumquat-answer" not in page and "zeppelin-draft" not in page
            assert "marzipan-reply" in page, "what was typed is offered back"
            raised += 1
            monkeypatch.undo()
    finally:
        logging.getLogger().removeHandler(handler)
    assert raised > 30
    log = stream.getvalue()
    assert "RuntimeError" in log and found_in(log.encode()) == []


def test_sqlite_is_set_up_to_forget():
    if connection.vendor != "sqlite":
        return
    options = settings.DATABASES["default"]["OPTIONS"]
    probe = sqlite3.connect(":memory:")
    for pragma in options["init_command"].split(";"):
        probe.execute(pragma)
    assert probe.execute("PRAGMA secure_delete").fetchone() == (1,)
    assert probe.execute("PRAGMA synchronous").fetchone() == (2,)
