"""Second ways to sign in: codes, recovery codes, passkeys; and what is between the passphrase and them."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.db import connection
from django.test import Client
from django.urls import reverse

from closeknit import vault
from closeknit.web import clock
from closeknit.web.members import factors, passkeys, record, services
from closeknit.web.members.models import Dropped, Factor, Member, OwnSession, RecordLine, SecretWrap
from tests.cast import PASSPHRASE, Person
from tests.passkey import HERE, SoftPasskey, add_passkey, ask, sign_in, step_up

pytestmark = pytest.mark.django_db

NEW = "seven quiet lamps by the sea"


@pytest.fixture(autouse=True)
def _still():
    """Codes change every half minute: no test may run across that moment."""
    with time_machine.travel("2026-05-17T10:00:07Z", tick=False):
        yield


def code(secret: str, *, ahead: int = 0) -> str:
    """What the member's app shows, so many half minutes from now."""
    return format_hotp_value(hotp_value(secret, int(clock.now().timestamp()) // 30 + ahead))


def app_on(person: Person) -> tuple[str, list[str]]:
    """Codes from an app, turned on through the pages: (the secret, the recovery codes)."""
    client = person.client
    step_up(client)
    page = client.get("/you/second/app/").content.decode()
    secret = "".join(re.findall(r'kit-group">([A-Z2-7]{4})</span>', page))
    assert len(secret) == 32
    answer = client.post("/you/second/app/", {"code": code(secret)})
    assert answer.status_code == 302 and answer.url == "/you/second/codes/", answer.content.decode()
    shown = re.findall(r'kit-group">(\d{5} \d{5})</span>', client.get("/you/second/codes/").content.decode())
    assert len(set(shown)) == 10
    client.post("/you/second/codes/")
    return secret, shown


def passphrase_in(**headers: str) -> Client:
    """A browser whose passphrase was right, in front of the second page."""
    client = Client()
    answer = client.post("/sign-in/", {"login": "ana", "password": PASSPHRASE, "next": "/you/"}, **headers)
    assert answer.status_code == 302 and answer.url == "/sign-in/second/", answer.content.decode()
    return client


def is_in(client: Client, **headers: str) -> bool:
    return client.get("/you/", **headers).status_code == 200


def lines(person: Person) -> list[str]:
    return [str(line.label) for line in record.read(person.member, person.keyring)]


# -- codes from an app --------------------------------------------------------------------------------------------------


def test_a_code_completes_the_sign_in_and_opens_words(cast):
    secret, _codes = app_on(cast.ana)
    with clock.shifted(timedelta(minutes=2)):
        client = passphrase_in()
        page = client.get("/sign-in/second/").content.decode()
        assert "the code that your app shows" in page
        answer = client.post("/sign-in/second/", {"code": code(secret)})
        assert answer.status_code == 302 and answer.url == "/you/" and is_in(client)
    assert lines(cast.ana)[:2] == ["Signed in", "Added a second way to sign in"]


def test_setting_up_takes_a_present_code(cast):
    client = cast.ana.client
    step_up(client)
    client.get("/you/second/app/")
    answer = client.post("/you/second/app/", {"code": "000000"})
    assert answer.status_code == 422 and not Factor.objects.exists()
    secret, _codes = app_on(cast.ana)
    assert client.get("/you/second/app/").url == "/you/second/", "one app at a time"
    assert Factor.objects.filter(kind=Factor.Kind.APP).count() == 1 and secret


def test_a_wrong_code_signs_nobody_in(cast):
    secret, _codes = app_on(cast.ana)
    client = passphrase_in()
    for wrong in ("000000", "", "x" * 40, "１２３４５６", code(secret, ahead=5), code(secret, ahead=-5)):
        assert client.post("/sign-in/second/", {"code": wrong}).status_code in {422, 429}
        assert not is_in(client)


def test_a_code_works_once(cast):
    secret, _codes = app_on(cast.ana)
    shown = code(secret)
    assert passphrase_in().post("/sign-in/second/", {"code": shown}).status_code == 422, "the one typed to turn it on"
    with clock.shifted(timedelta(minutes=3)):
        used = code(secret)
        assert passphrase_in().post("/sign-in/second/", {"code": used}).status_code == 302
        assert passphrase_in().post("/sign-in/second/", {"code": used}).status_code == 422
        assert passphrase_in().post("/sign-in/second/", {"code": code(secret, ahead=-1)}).status_code == 422
        assert passphrase_in().post("/sign-in/second/", {"code": code(secret, ahead=1)}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_four_requests_at_once_one_takes_the_code(cast):
    secret, _codes = app_on(cast.ana)
    with clock.shifted(timedelta(minutes=3)):
        shown, ready = code(secret), Barrier(4)

        def take(_number: int) -> bool:
            try:
                ready.wait(10)
                return factors.code_take(cast.ana.member, cast.ana.keyring, shown)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            taken = list(pool.map(take, range(4)))
    assert sorted(taken) == [False, False, False, True]


def test_guessing_is_slowed_down_for_the_account_from_everywhere(cast):
    secret, _codes = app_on(cast.ana)
    for number in range(4):
        client = passphrase_in(REMOTE_ADDR=f"10.0.0.{number}")
        assert client.post("/sign-in/second/", {"code": "123456"}, REMOTE_ADDR=f"10.0.0.{number}").status_code == 422
    client = passphrase_in(REMOTE_ADDR="10.0.0.9")
    answer = client.post("/sign-in/second/", {"code": "123456"}, REMOTE_ADDR="10.0.0.9")
    assert answer.status_code == 429 and answer["Retry-After"]
    with clock.shifted(timedelta(minutes=2)):
        assert client.post("/sign-in/second/", {"code": code(secret)}, REMOTE_ADDR="10.0.0.9").status_code == 302


# -- between the two ----------------------------------------------------------------------------------------------------


def test_whoever_is_between_the_two_reaches_nothing(cast):
    app_on(cast.ana)
    client = passphrase_in()
    moment = cast.first_moment(cast.ana).id
    for path in ("/you/", "/you/second/", "/unlock/", "/confirm/", "/kit/", "/you/export/", f"/b/{cast.pair}/m/{moment}/"):
        answer = client.get(path)
        assert answer.status_code == 302 and answer.url.startswith("/sign-in/"), path
    assert client.post("/keep/", {"text": "typed"}).url.startswith("/sign-in/")
    assert client.post("/unlock/", {"passphrase": PASSPHRASE}).url.startswith("/sign-in/")
    assert client.get("/").status_code == 200 and client.get("/sign-in/").status_code == 200
    assert OwnSession.objects.filter(member=cast.ana.member).count() == 1, "only the one that is signed in is listed"


def test_what_waits_lies_sealed_under_a_key_that_nobody_else_chose(cast):
    app_on(cast.ana)
    client = Client()
    client.cookies["ck-key"] = planted = base64.urlsafe_b64encode(bytes(32)).decode()
    client.post("/sign-in/", {"login": "ana", "password": PASSPHRASE})
    assert client.cookies["ck-key"].value != planted
    stored = json.dumps(dict(client.session)).encode()
    raw = cast.ana.keyring.secret.raw
    assert raw not in stored and base64.b64encode(raw) not in stored and raw.hex().encode() not in stored
    assert str(cast.ana.member.pk).encode() not in stored
    other = Client()
    other.cookies["ck-session"] = client.session.session_key
    assert other.get("/sign-in/second/").url == "/sign-in/", "the session without the cookie's key opens nothing"


def test_it_waits_a_quarter_of_an_hour(cast):
    secret, _codes = app_on(cast.ana)
    client = passphrase_in()
    with clock.shifted(timedelta(minutes=14, seconds=50)):
        assert client.get("/sign-in/second/").status_code == 200
    with clock.shifted(timedelta(minutes=15, seconds=1)):
        answer = client.post("/sign-in/second/", {"code": code(secret)})
        assert answer.url == "/sign-in/?late=" and not is_in(client)
        assert "Sign in once more" in client.get(answer.url).content.decode()
    assert client.get("/sign-in/second/").url == "/sign-in/", "it does not come back"


def test_it_is_not_carried_into_somebody_elses_session(cast):
    app_on(cast.ana)
    passkey = add_passkey(cast.eve.client, opens=True)
    client = passphrase_in(**HERE)
    assert "pending" in client.session["ck_kept"]
    assert sign_in(client, passkey).status_code == 302
    assert "pending" not in client.session["ck_kept"]


def test_one_unreadable_passkey_stops_no_other(cast):
    passkey = add_passkey(cast.ana.client, opens=True)
    add_passkey(cast.ana.client)
    first, other = Factor.objects.filter(kind=Factor.Kind.PASSKEY).order_by("authenticator_id")
    Authenticator.objects.filter(pk=other.authenticator_id).update(data=["nonsense"])
    assert sign_in(Client(), passkey, next="/you/").url == "/you/"
    assert cast.ana.client.get("/you/second/", **HERE).status_code == 200
    Authenticator.objects.filter(pk=first.authenticator_id).update(data={})
    assert sign_in(Client(), passkey).status_code == 422
    step_up(cast.ana.client)
    assert cast.ana.client.post(f"/you/second/{other.pk}/remove/").status_code == 302


def test_a_passphrase_changed_meanwhile_ends_it(cast):
    secret, _codes = app_on(cast.ana)
    client = passphrase_in()
    services.passphrase_set(cast.ana.member, cast.ana.keyring, NEW)
    with clock.shifted(timedelta(minutes=2)):
        assert client.post("/sign-in/second/", {"code": code(secret)}).url == "/sign-in/?late="


def test_a_member_without_second_ways_signs_in_as_before(cast):
    app_on(cast.ana)
    assert cast.jonas.client.get("/you/").status_code == 200
    assert Client().get("/sign-in/second/").url == "/sign-in/"


def test_staying_signed_in_is_carried_over(cast):
    secret, _codes = app_on(cast.ana)
    client = Client()
    client.post("/sign-in/", {"login": "ana", "password": PASSPHRASE, "remember": "on"})
    with clock.shifted(timedelta(minutes=2)):
        client.post("/sign-in/second/", {"code": code(secret)})
        assert client.cookies["ck-key"]["max-age"] == 14 * 86400
        assert client.session.get_expiry_age() == 14 * 86400


# -- recovery codes -------------------------------------------------------------------------------------------------------


def test_a_recovery_code_stands_in_once_and_never_for_the_passphrase(cast):
    _secret, codes = app_on(cast.ana)
    assert Client().post("/sign-in/", {"login": "ana", "password": codes[0]}).status_code == 422
    client = passphrase_in()
    assert client.post("/sign-in/second/", {"code": codes[0]}).status_code == 302 and is_in(client)
    assert "9 are left" in client.get("/you/second/").content.decode()
    assert passphrase_in().post("/sign-in/second/", {"code": codes[0]}).status_code == 422
    assert passphrase_in().post("/sign-in/second/", {"code": codes[1].replace(" ", "")}).status_code == 302


def test_recovery_codes_are_shown_once_and_new_ones_void_the_old(cast):
    _secret, codes = app_on(cast.ana)
    client = cast.ana.client
    assert client.get("/you/second/codes/").url == "/you/second/"
    assert client.post("/you/second/codes/new/").url == "/you/second/codes/"
    fresh = re.findall(r"\d{5} \d{5}", client.get("/you/second/codes/").content.decode())
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    assert passphrase_in().post("/sign-in/second/", {"code": codes[0]}).status_code == 422
    assert passphrase_in().post("/sign-in/second/", {"code": fresh[0]}).status_code == 302
    assert "Made new recovery codes" in lines(cast.ana)


def test_there_are_none_without_a_second_way(cast):
    client = cast.ana.client
    step_up(client)
    assert client.post("/you/second/codes/new/").url == "/you/second/" and not Factor.objects.exists()


# -- passkeys -------------------------------------------------------------------------------------------------------------


def test_a_passkey_signs_in_without_a_name_and_the_passphrase_opens(cast):
    passkey = add_passkey(cast.ana.client)
    client = Client()
    before = RecordLine.objects.count()
    answer = sign_in(client, passkey, next="/you/")
    assert answer.status_code == 302 and answer.url == "/unlock/?next=%2Fyou%2F"
    assert client.get("/you/", **HERE).status_code == 403
    page = client.get(answer.url, **HERE).content.decode()
    assert "Your passphrase opens your words" in page and "Open with a passkey" not in page
    assert not client.post("/keep/", {"text": "typed"}, **HERE).json()["saved"]
    assert client.post("/unlock/", {"passphrase": PASSPHRASE, "next": "/you/"}, **HERE).url == "/you/"
    assert is_in(client, **HERE) and RecordLine.objects.count() == before + 1
    client.post("/lock/", **HERE)
    client.post("/unlock/", {"passphrase": PASSPHRASE}, **HERE)
    assert RecordLine.objects.count() == before + 1, "unlocking again is no new sign-in"


def test_a_passkey_that_may_opens_words_at_sign_in_and_on_the_locked_page(cast):
    passkey = add_passkey(cast.ana.client, opens=True)
    client = Client()
    assert sign_in(client, passkey, next="/you/").url == "/you/" and is_in(client, **HERE)
    client.post("/lock/", **HERE)
    assert "Open with a passkey" in client.get("/you/", **HERE).content.decode()
    options = ask(client, "unlock")
    fields = {"credential": passkey.use(options), "prf": passkey.prf(options), "next": "/you/"}
    assert client.post("/unlock/passkey/", fields, **HERE).url == "/you/" and is_in(client, **HERE)
    assert client.get("/you/kit/", **HERE).status_code == 302, "it is no passphrase typed again"


def test_without_its_answer_or_with_another_it_signs_in_and_opens_nothing(cast):
    passkey = add_passkey(cast.ana.client, opens=True)
    for wrong in ("", "x", "A" * 43, "é" * 43, "A" * 1000):
        client = Client()
        options = ask(client, "sign-in")
        client.post("/sign-in/passkey/", {"credential": passkey.use(options), "prf": wrong}, **HERE)
        assert client.get("/you/", **HERE).status_code == 403
        options = ask(client, "unlock")
        answer = client.post("/unlock/passkey/", {"credential": passkey.use(options), "prf": wrong}, **HERE)
        assert answer.status_code == 422 and "Your passphrase does" in answer.content.decode()


def test_a_passkey_answers_after_the_passphrase(cast):
    passkey = add_passkey(cast.ana.client)
    client = passphrase_in(**HERE)
    assert "use your passkey" in client.get("/sign-in/second/", **HERE).content.decode()
    options = ask(client, "second")
    answer = client.post("/sign-in/second/", {"credential": passkey.use(options)}, **HERE)
    assert answer.url == "/you/" and is_in(client, **HERE)


def test_another_members_passkey_does_not_answer_after_the_passphrase(cast):
    add_passkey(cast.ana.client)
    other = add_passkey(cast.eve.client)
    client = passphrase_in(**HERE)
    options = ask(client, "second")
    for handle in (other.handle, cast.ana.member.pk.bytes):
        answer = client.post("/sign-in/second/", {"credential": other.use(options, handle=handle)}, **HERE)
        assert answer.status_code == 422 and not is_in(client, **HERE)


@pytest.mark.parametrize("wrong", ["origin", "rp", "unverified", "framed", "handle", "removed", "inactive", "signature"])
def test_what_a_passkey_must_say(cast, wrong):
    passkey = add_passkey(cast.ana.client)
    more: dict[str, Any] = {}
    if wrong == "origin":
        passkey.origin = "https://evil.example"
    elif wrong == "rp":
        passkey.rp = "evil.example"
    elif wrong == "unverified":
        passkey.flags = passkey.flags & ~type(passkey.flags).UV
    elif wrong == "framed":
        more = {"cross_origin": True}
    elif wrong == "handle":
        more = {"handle": cast.eve.member.pk.bytes}
    elif wrong == "removed":
        assert factors.remove(cast.ana.member, Factor.objects.get(kind=Factor.Kind.PASSKEY).pk)
    elif wrong == "inactive":
        Member.objects.filter(pk=cast.ana.member.pk).update(is_active=False)
    else:
        passkey.key = SoftPasskey().key
    client = Client()
    options = ask(client, "sign-in")
    answer = client.post("/sign-in/passkey/", {"credential": passkey.use(options, **more)}, **HERE)
    assert answer.status_code == 422 and "That passkey opens nothing here" in answer.content.decode()
    assert client.get("/you/", **HERE).status_code == 302


def test_an_answer_counts_once_for_its_purpose_and_for_five_minutes(cast):
    passkey = add_passkey(cast.ana.client)
    client = Client()
    said = passkey.use(ask(client, "sign-in"))
    other = Client()
    ask(other, "sign-in")
    assert other.post("/sign-in/passkey/", {"credential": said}, **HERE).status_code == 422, "another browser's question"
    with clock.shifted(timedelta(minutes=6)):
        assert client.post("/sign-in/passkey/", {"credential": said}, **HERE).status_code == 422
    said = passkey.use(ask(client, "sign-in"))
    assert client.post("/sign-in/passkey/", {"credential": "{}"}, **HERE).status_code == 422
    assert client.post("/sign-in/passkey/", {"credential": said}, **HERE).status_code == 422, "it was asked once"
    options = ask(client, "sign-in")
    client.post("/sign-in/", {"login": "ana", "password": PASSPHRASE}, **HERE)
    answer = client.post("/sign-in/second/", {"credential": passkey.use(options)}, **HERE)
    assert answer.status_code == 422, "it was asked for something else"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 5000,
        '{"id": 1, "rawId": 1, "response": 7}',
        '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "AA", "attestationObject": "oA", "signature": "AA"}}',
        '{"rawId": {}, "response": []}',
        "x" * 20_000,
    ],
)
def test_nonsense_is_refused_kindly(cast, said):
    add_passkey(cast.ana.client)
    client = Client()
    ask(client, "sign-in")
    assert client.post("/sign-in/passkey/", {"credential": said}, **HERE).status_code == 422
    cast.ana.client.post("/you/second/passkey/options/", **HERE)
    answer = cast.ana.client.post("/you/second/passkey/", {"name": "kept", "credential": said}, **HERE)
    assert answer.status_code == 422 and 'value="kept"' in answer.content.decode()
    assert Factor.objects.filter(kind=Factor.Kind.PASSKEY).count() == 1


def test_nothing_of_a_passkey_but_its_id_and_public_key_lies_in_clear(cast):
    passkey = add_passkey(cast.ana.client, opens=True, name="The phone in my bag")
    row = Authenticator.objects.get(type="webauthn")
    stored = json.dumps(row.data)
    assert "phone" not in stored and row.data["credential"]["clientExtensionResults"] == {}
    known = row.wrap().authenticator_data
    assert known.credential_data.credential_id == passkey.id and bytes(known.credential_data.aaguid) == bytes(16)
    for one in Authenticator.objects.all():
        assert one.last_used_at is None and one.created_at.time().isoformat() == "00:00:00"
    sign_in(Client(), passkey)
    assert not Authenticator.objects.filter(last_used_at__isnull=False).exists()
    wrap = SecretWrap.objects.get(opener="passkey")
    assert wrap.created_at.time().isoformat() == "00:00:00"


def test_a_passkey_is_known_to_one_account(cast):
    passkey = add_passkey(cast.ana.client)
    client = cast.eve.client
    step_up(client)
    options = client.post("/you/second/passkey/options/", **HERE).json()
    answer = client.post("/you/second/passkey/", {"credential": passkey.make(options)}, **HERE)
    assert answer.status_code == 422 and not Factor.objects.filter(member=cast.eve.member).exists()


def test_a_bare_address_has_no_passkeys_and_says_where_they_work(cast):
    client = cast.ana.client
    step_up(client)
    address = {"HTTP_HOST": "127.0.0.1:8040"}
    for path in ("/you/second/", "/you/second/passkey/"):
        page = client.get(path, **address).content.decode()
        assert f"http://localhost:8040{path}" in page and "data-passkey=" not in page
    assert client.post("/you/second/passkey/options/", **address).status_code == 409
    assert Client().post("/passkey/options/", {"for": "sign-in"}, **address).status_code == 409
    assert "data-passkey=" not in Client().get("/sign-in/", **address).content.decode()
    assert "data-passkey=" in Client().get("/sign-in/", **HERE).content.decode()


@pytest.mark.parametrize(
    ("url", "host", "name"),
    [
        ("https://closeknit.example", "closeknit.example", "closeknit.example"),
        ("https://closeknit.example:8443", "closeknit.example:8443", "closeknit.example"),
        ("https://192.168.1.7", "192.168.1.7", ""),
        ("https://[fd00::7]", "[fd00::7]", ""),
        ("", "localhost:8040", "localhost"),
        ("", "127.0.0.1:8040", ""),
        ("", "[::1]:8040", ""),
    ],
)
def test_the_name_that_passkeys_are_bound_to(rf, settings, url, host, name):
    settings.ALLOWED_HOSTS = ["*"]
    settings.CONFIG = settings.CONFIG.model_copy(update={"url": url})
    request = rf.get("/you/second/", HTTP_HOST=host)
    assert passkeys.relying_party(request) == name
    assert passkeys.elsewhere(request) == ("http://localhost:8040/you/second/" if not url and not name else "")


def test_what_the_device_and_the_app_show_is_discreet(cast):
    Member.objects.filter(pk=cast.ana.member.pk).update(discreet=True)
    client = cast.ana.client
    step_up(client)
    assert client.post("/you/second/passkey/options/", **HERE).json()["publicKey"]["rp"]["name"] == "Notes"
    assert "otpauth://totp/Notes:ana" in client.get("/you/second/app/").context["url"]


# -- removing, new keys, the kit ------------------------------------------------------------------------------------------


def test_removing_asks_for_the_passphrase_and_the_last_takes_the_codes_along(cast):
    secret, codes = app_on(cast.ana)
    passkey = add_passkey(cast.ana.client, opens=True)
    client = cast.ana.client
    ids = {factor.kind: factor.pk for factor in Factor.objects.all()}
    with clock.shifted(timedelta(minutes=6)):
        for path in (f"/you/second/{ids['totp']}/remove/", "/you/second/app/", "/you/second/passkey/"):
            assert client.post(path).url.startswith("/confirm/"), path
        assert client.post("/you/second/codes/new/").url.startswith("/confirm/")
        assert client.post("/you/second/passkey/options/", **HERE).url.startswith("/confirm/")
        assert Factor.objects.count() == 3
        step_up(client)
        assert "last one" not in client.get(f"/you/second/{ids['totp']}/remove/").content.decode()
        client.post(f"/you/second/{ids['totp']}/remove/")
        assert passphrase_in().post("/sign-in/second/", {"code": code(secret)}).status_code == 422
        assert "last one" in client.get(f"/you/second/{ids['webauthn']}/remove/").content.decode()
        client.post(f"/you/second/{ids['webauthn']}/remove/")
        assert not Factor.objects.exists() and not Authenticator.objects.exists()
        assert not SecretWrap.objects.filter(opener="passkey").exists()
        assert sign_in(Client(), passkey).status_code == 422
        answer = Client().post("/sign-in/", {"login": "ana", "password": PASSPHRASE})
        assert answer.url == "/" and codes
    assert lines(cast.ana).count("Removed a second way to sign in") == 2


def test_anothers_is_not_there(cast):
    app_on(cast.ana)
    factor = Factor.objects.get(kind=Factor.Kind.APP)
    client = cast.eve.client
    step_up(client)
    for method in (client.get, client.post):
        assert method(f"/you/second/{factor.pk}/remove/").status_code == 404
    assert not factors.remove(cast.eve.member, factor.pk) and Factor.objects.filter(pk=factor.pk).exists()


def test_changing_the_passphrase_keeps_them(cast):
    secret, _codes = app_on(cast.ana)
    passkey = add_passkey(cast.ana.client, opens=True)
    answer = cast.ana.client.post("/you/passphrase/", {"passphrase": PASSPHRASE, "new_passphrase": NEW})
    assert answer.status_code == 302
    assert sign_in(Client(), passkey, next="/you/").url == "/you/"
    with clock.shifted(timedelta(minutes=2)):
        client = Client()
        assert client.post("/sign-in/", {"login": "ana", "password": NEW}).url == "/sign-in/second/"
        assert client.post("/sign-in/second/", {"code": code(secret)}).status_code == 302


def test_new_keys_remove_them_all(cast):
    secret, codes = app_on(cast.ana)
    passkey = add_passkey(cast.ana.client, opens=True)
    step_up(cast.ana.client)
    assert cast.ana.client.post(reverse("new-keys"), {"new_passphrase": NEW}).status_code == 302
    assert not Factor.objects.exists() and not SecretWrap.objects.filter(opener="passkey").exists()
    assert sign_in(Client(), passkey).status_code == 422
    assert Client().post("/sign-in/", {"login": "ana", "password": NEW}).url == "/" and secret and codes


def test_the_kit_turns_them_off_and_says_so(cast):
    app_on(cast.ana)
    assert "turned off" in Client().get("/recover/").content.decode()
    fields = {"login": "ana", "kit": vault.kit_text(cast.ana.kit), "new_passphrase": NEW}
    client = passphrase_in()
    assert client.post("/recover/", fields).url == "/kit/"
    assert not Factor.objects.exists() and not Authenticator.objects.exists()
    assert lines(cast.ana)[0] == "Removed a second way to sign in"
    assert client.get("/sign-in/second/").status_code == 302, "what waited before is nothing any more"


# -- what is written down -----------------------------------------------------------------------------------------------


def test_codes_and_answers_are_never_saved_as_typed_text(cast):
    passkey = add_passkey(cast.ana.client, opens=True)
    client = cast.ana.client
    client.post("/lock/", **HERE)
    options = ask(client, "unlock")
    secret_fields = {"credential": passkey.use(options), "prf": passkey.prf(options), "code": "123 456", "name": "typed name"}
    client.post("/you/second/passkey/", secret_fields, **HERE)
    client.post("/unlock/", {"passphrase": PASSPHRASE}, **HERE)
    kept = services.dropped_read(cast.ana.member.pk, cast.ana.keyring)
    assert Dropped.objects.exists() and {name for one in kept for name in one.fields} == {"name"}


def test_allauth_cannot_write_a_secret_in_clear(cast):
    from allauth.mfa.totp.internal.auth import TOTP

    with pytest.raises(NotImplementedError):
        TOTP.activate(cast.ana.member, "JBSWY3DPEHPK3PXP")
    assert not Authenticator.objects.exists()


def test_the_right_to_use_passkeys_is_for_our_own_pages():
    allowed = Client().get("/sign-in/")["Permissions-Policy"]
    assert "publickey-credentials-get=(self)" in allowed and "publickey-credentials-create=(self)" in allowed


def test_a_restore_brings_back_neither_removed_ways_nor_used_codes(cast, tmp_path):
    from closeknit.web import reapply
    from closeknit.web.sealed.journal import Note
    from closeknit.web.sealed.models import Removal

    secret, codes = app_on(cast.ana)
    passkey = add_passkey(cast.ana.client)
    before = {factor.kind: factor for factor in factors.of(cast.ana.member)}
    rows = {kind: factor.authenticator for kind, factor in before.items()}
    assert factors.code_take(cast.ana.member, cast.ana.keyring, codes[0])
    with clock.shifted(timedelta(minutes=3)):
        assert factors.code_take(cast.ana.member, cast.ana.keyring, code(secret))
    factors.remove(cast.ana.member, before["webauthn"].pk)
    notes = [Note.of(removal) for removal in Removal.objects.all() if removal.label == "members.factor"]
    assert {(note.kind, note.row) for note in notes} == {
        ("removed", before["webauthn"].pk),
        ("rotated", before["recovery_codes"].pk),
    }, "when a code from the app was used is not written down"
    for kind in ("webauthn", "recovery_codes"):  # as the backup has them
        Factor.objects.filter(pk=before[kind].pk).delete()
        rows[kind].save()
        before[kind].save(force_insert=True)
    reapply.apply(notes, clock.now() - timedelta(days=1))
    assert [factor.kind for factor in factors.of(cast.ana.member)] == ["totp"]
    assert not Authenticator.objects.exclude(type="totp").exists()
    assert sign_in(Client(), passkey).status_code == 422
