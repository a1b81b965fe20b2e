"""Whatever is sent: a clear error, and nothing lost."""

from __future__ import annotations

import uuid

import pytest

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(cast):
    return cast, f"/b/{cast.pair}/m/{cast.first_moment(cast.ana).id}/"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Write a few words first"),
        ("   \n ", "Write a few words first"),
        ("a" * 20_001, "1 characters more than fit"),
        ("🙂" * 15_001, "more than fits here"),
        ("before\0after", "invisible character"),
    ],
)
def test_texts_that_do_not_fit_are_kept_in_the_form(base, text, says):
    cast, path = base
    answer = cast.ana.client.post(path + "share/", {"text": text})
    page = answer.content.decode()
    assert answer.status_code == 422 and says in page and "Error:" in page
    assert text.strip()[:50] in page


@pytest.mark.parametrize(
    "text", ["שלום, זה אני", "👩‍👩‍👧 und Grüße", "a" * 20_000, "line\r\nline", "<script>alert(1)</script>"]
)
def test_texts_of_all_kinds_come_back_as_typed(base, text):
    cast, path = base
    assert cast.ana.client.post(path + "share/", {"text": text}).status_code == 302
    page = cast.ana.client.get(path).content.decode()
    assert "<script>alert" not in page
    assert text.split()[0][:40].replace("<", "&lt;").replace(">", "&gt;") in page or "line" in page


def test_broken_utf8_and_forged_ids(base):
    cast, path = base
    client = cast.ana.client
    raw = client.post(path + "share/", b"text=%ff%fe%00", content_type="application/x-www-form-urlencoded")
    assert raw.status_code in {302, 422, 400}
    assert client.post(path + "respond/", {"to": "nobody", "choice": "thanks"}).status_code == 409
    assert client.post(path + "respond/", {"to": cast.eve.id, "choice": "hug"}).status_code == 422
    assert client.post(path + f"say/{uuid.uuid4()}/take-back/").status_code == 404
    assert client.get(f"/b/{cast.pair}/thread/?month=never").status_code == 404
    assert client.get(f"/b/{cast.pair}/thread/?page=0").status_code == 404
    assert client.get(f"/b/{cast.pair}/thread/?page={'9' * 40}").status_code == 404


def test_a_large_body_is_refused_by_django_too(base):
    cast, path = base
    body = b"text=" + b"a" * (2 * 1024 * 1024)
    form = "application/x-www-form-urlencoded"
    answer = cast.ana.client.generic("POST", path + "share/", body, content_type=form)
    assert answer.status_code == 400


def test_a_form_without_its_token_offers_the_words_back(base):
    from django.test import Client

    cast, path = base
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = cast.ana.client.cookies
    answer = strict.post(path + "share/", {"text": "twenty characters and a few more"})
    page = answer.content.decode()
    assert answer.status_code == 403 and "twenty characters and a few more" in page


def test_a_session_that_ended_in_mid_writing_keeps_the_text(base):
    from django.contrib.sessions.models import Session
    from django.test import Client

    cast, path = base
    Session.objects.all().delete()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = cast.ana.client.cookies
    answer = strict.post(path + "share/", {"text": "typed while the session ended somewhere else"})
    assert "typed while the session ended" in answer.content.decode()


def test_secrets_are_never_offered_back(base):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/sign-in/", {"login": "ana", "password": "a passphrase that must not come back"})
    assert "must not come back" not in answer.content.decode()
