"""The cast, the clock, the database of choice, and the browser."""

from __future__ import annotations

import shutil

import pytest

from tests import boot


def pytest_sessionfinish() -> None:
    if boot.POSTGRES is not None:
        from django.db import connections

        connections.close_all()
        for connection in connections.all():
            getattr(connection, "close_pool", lambda: None)()
        boot.POSTGRES.stop()
    shutil.rmtree(boot.DATA, ignore_errors=True)


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


@pytest.fixture(autouse=True, scope="session")
def _stub_reader() -> None:
    """The coach reads by a few plain words; its trained model has tests of its own."""
    from closeknit.web.coach import desk
    from tests.coach.made import Stub

    desk.desk = desk.Desk(load=Stub)


@pytest.fixture
def cast(db):
    """Ana and Jonas in a bond, Cleo in a circle with them, Eve in a bond of her own."""
    from tests.cast import Cast

    return Cast()
