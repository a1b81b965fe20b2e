"""Keys show nowhere: not when printed, stored, compared, copied, or when something goes wrong."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import marshal
import pickle
import traceback
from uuid import UUID

import pytest

from closeknit import vault

RAW = b"SECRET-KEY-BYTES-THAT-NONE-SEES!"
KEY = vault.Key(RAW)
RING = vault.Keyring(KEY)
ALL = {"key": KEY, "keyring": RING, "pair": RING.box}
HERE = vault.Context(vault.Place.ITEM, UUID(int=1), UUID(int=2))
DERIVED = (RAW, RING.self_key.raw, RING.box.private.raw)


def shows(text: str) -> bool:
    return any(
        form in text for raw in DERIVED for form in (raw.hex(), repr(raw), repr(raw)[2:-1], str(list(raw))[1:-1])
    )


every = pytest.mark.parametrize("secret", list(ALL.values()), ids=list(ALL))


@every
def test_prints_as_key(secret):
    assert f"{secret}" == f"{secret!r}" == f"{secret!s}" == f"{secret!a}" == str(secret) == repr(secret) == "<key>"
    assert f"%s {secret}" % (secret,) == "<key> <key>"
    assert f"{secret} {[secret]!r}" == "<key> [<key>]"


@every
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_is_not_pickled(secret, protocol):
    with pytest.raises(TypeError):
        pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        pickle.dumps({"session": [secret]}, protocol)


@every
def test_is_not_copied_or_written(secret):
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(ValueError):
        marshal.dumps(secret)
    with pytest.raises(TypeError):
        bytes(secret)
    with pytest.raises(TypeError):
        vars(secret)


@every
def test_is_not_hashed(secret):
    """So it never becomes a cache's key or a set's member by accident."""
    with pytest.raises(TypeError):
        hash(secret)


def test_a_key_pair_does_not_fall_apart_into_a_dictionary():
    with pytest.raises(TypeError):
        dataclasses.asdict(RING.box)


def test_keys_compare_by_their_bytes():
    assert vault.Key(RAW) == KEY != vault.Key(bytes(32))
    assert KEY != RAW and KEY != "<key>"


@pytest.mark.parametrize("raw", [b"", RAW[:31], RAW + b"!", bytearray(RAW), "x" * 32, None])
def test_a_key_is_32_bytes_and_says_no_more(raw):
    with pytest.raises(ValueError) as caught:
        vault.Key(raw)
    assert str(caught.value) == "a key is exactly 32 bytes"


def test_fresh_keys_differ():
    assert vault.Key.new() != vault.Key.new()
    assert vault.new_kit() != vault.new_kit()
    assert vault.new_invitation_secret() != vault.new_invitation_secret()


def failures():
    sealed = vault.seal(KEY, vault.Kind.SELF, HERE, b"PLAINTEXT-SHOWN")
    elsewhere = dataclasses.replace(HERE, revision=1)
    yield lambda: vault.open_envelope(KEY, vault.Kind.SELF, elsewhere, sealed)
    yield lambda: vault.open_envelope(KEY, vault.Kind.BOND, HERE, sealed)
    yield lambda: vault.open_envelope(vault.Key(bytes(32)), vault.Kind.SELF, HERE, sealed)
    yield lambda: vault.open_envelope(KEY, vault.Kind.SELF, HERE, sealed[:-1])
    yield lambda: vault.open_envelope(KEY, vault.Kind.SELF, HERE, b"PLAINTEXT-SHOWN")
    yield lambda: vault.seal(KEY, vault.Kind.SELF, HERE, b"PLAINTEXT-SHOWN" * 9000)
    yield lambda: vault.seal(KEY, vault.Kind.SELF, HERE, b"PLAINTEXT-SHOWN", epoch=-1)
    yield lambda: vault.seal(KEY, vault.Kind.SELF, HERE, b"PLAINTEXT-SHOWN", random=lambda count: b"short")
    yield lambda: list(vault.open_stream(KEY, HERE, [sealed]))
    yield lambda: vault.unpack(b"\1PLAINTEXT-SHOWN")
    yield lambda: vault.parse_kit("PLAINTEXT-SHOWN")
    yield lambda: vault.normalise("PLAINTEXT-SHOWN" * 99)
    yield lambda: vault.normalise("PLAINTEXT-SHOWN\ud800")
    yield lambda: vault.passphrase_key("PLAINTEXT-SHOWN", RAW, 1)
    yield lambda: vault.derive(RAW[:8], vault.Purpose.KIT)
    yield lambda: vault.kit_text(RAW)
    yield lambda: vault.make_grant(
        sender=RING.box,
        recipient_public=bytes(32),
        grant_id=UUID(int=1),
        bond_id=UUID(int=1),
        epoch=1,
        sender_id=UUID(int=1),
        recipient_id=UUID(int=1),
        roster=b"",
        bond_key=KEY,
        previous_check=bytes(16),
    )
    yield lambda: vault.from_words(["PLAINTEXT-SHOWN"], ["a", "b"], 1)
    yield lambda: {KEY: 1}
    yield lambda: KEY + RAW
    yield lambda: int(KEY)


@pytest.mark.parametrize("fail", list(failures()))
def test_errors_hold_no_secrets(fail):
    with pytest.raises(Exception) as caught:
        fail()
    error: BaseException | None = caught.value
    while error is not None:
        told = f"{error} {error!r} {error.args} {getattr(error, '__dict__', '')}"
        assert not shows(told) and "PLAINTEXT-SHOWN" not in told
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_a_report_that_prints_locals_shows_keys_as_keys():
    def deep(own_key: vault.Key, ring: vault.Keyring) -> None:
        vault.open_envelope(own_key, vault.Kind.SELF, HERE, bytes(100))

    try:
        deep(KEY, RING)
    except vault.VaultError as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        told = "".join(report.format())
        assert "own_key = <key>" in told and "ring = <key>" in told
        assert not shows(told)


def test_logs_show_keys_as_keys(caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("closeknit").debug("opened %s with %r: %s", HERE, KEY, {"ring": RING})
    assert caplog.messages[0].endswith("with <key>: {'ring': <key>}")


def test_envelopes_print_no_bytes():
    sealed = vault.seal(KEY, vault.Kind.SELF, HERE, b"words")
    assert f"{sealed} {sealed!r} {[sealed]}" == "<envelope> <envelope> [<envelope>]"
