"""The cast, the clock, the database of choice, and the browser."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
_DATA = Path(tempfile.mkdtemp(prefix=f"closeknit-test-{_WORKER}-"))
os.environ["CLOSEKNIT_DATA"] = str(_DATA)
os.environ["DJANGO_SETTINGS_MODULE"] = "closeknit.web.settings"
for _name in ("CLOSEKNIT_URL", "CLOSEKNIT_REDIS_URL", "CLOSEKNIT_CONFIG", "CLOSEKNIT_DATABASE_URL"):
    os.environ.pop(_name, None)

from tests.services import Postgres  # noqa: E402

_POSTGRES: Postgres | None = None
if os.environ.get("CLOSEKNIT_TEST_DB") == "postgresql":
    _POSTGRES = Postgres.start()
    os.environ["CLOSEKNIT_DATABASE_URL"] = _POSTGRES.url("closeknit")


def pytest_sessionfinish() -> None:
    if _POSTGRES is not None:
        from django.db import connections

        connections.close_all()
        _POSTGRES.stop()


@pytest.fixture(autouse=True, scope="session")
def _quick_passphrases() -> None:
    """The hashing profile, made cheap for tests alone; the vault's own tests measure the true ones."""
    from closeknit.vault import passphrase

    passphrase.PROFILES[passphrase.DEFAULT_PROFILE] = passphrase.Profile(passphrase.DEFAULT_PROFILE, 8 * 1024**2, 1)


@pytest.fixture(autouse=True)
def _plain_static(settings):
    """Pages in tests name their static files unhashed; the served program's names are tested on a real server."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    settings.CK_STYLE_PAGE = True


@pytest.fixture
def cast(db):
    """Ana and Jonas in a bond, Cleo in a circle with them, Eve in a bond of her own."""
    from tests.cast import Cast

    return Cast()
