"""The vault's own tests measure the true costs; everything else uses a cheap one."""

from __future__ import annotations

import pytest

from closeknit.vault import passphrase


@pytest.fixture(autouse=True)
def _true_profiles(monkeypatch):
    monkeypatch.setitem(passphrase.PROFILES, 2, passphrase.Profile(2, 128 * 1024 * 1024, 3))
