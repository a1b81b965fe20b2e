"""Project Wycheproof's cases for the one primitive that envelopes rest on."""

from __future__ import annotations

from typing import Any

import nacl.bindings
import nacl.exceptions
import pytest

from .helpers import load, unhex

DATA = load("wycheproof_xchacha20_poly1305.json")
CASES = [test for group in DATA["testGroups"] for test in group["tests"]]


def test_all_cases_are_here() -> None:
    assert len(CASES) == DATA["numberOfTests"] == 315
    assert {case["result"] for case in CASES} == {"valid", "invalid"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['tcId']} {' '.join(case['flags'])}")
def test_case(case: dict[str, Any]) -> None:
    key, nonce, data = unhex(case["key"]), unhex(case["iv"]), unhex(case["aad"])
    message, sealed = unhex(case["msg"]), unhex(case["ct"]) + unhex(case["tag"])
    if case["result"] == "valid":
        assert nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(message, data, nonce, key) == sealed
        assert nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, data, nonce, key) == message
    else:
        with pytest.raises(nacl.exceptions.CryptoError):
            nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, data, nonce, key)
