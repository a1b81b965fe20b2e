"""Ways in which the ground under a running program gives way, on either store, and how it comes back.

What is honest here: SQLite's disk is a small tmpfs that is really filled, and really mounted read-only; without the
right to mount, the server's file size is limited, and the file's permissions are taken away. PostgreSQL's disk is left
alone: its server says `disk_full` through a trigger, and is read-only by its own setting, as after a failover.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from tests.services import Postgres, Server, free_port

DISK_BYTES = 48 * 1024 * 1024
#: As long as the program waits for SQLite's lock (settings.py), and a little.
LOCKED_SECONDS = 11.0


class SqliteWorld:
    """A data folder on a disk of its own."""

    def __init__(self, folder: Path) -> None:
        self.data, self.settings = folder / "data", {}
        self.data.mkdir()
        self.mounts = os.geteuid() == 0
        if self.mounts:
            _run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "tmpfs", str(self.data))

    @property
    def file(self) -> Path:
        return self.data / "closeknit.sqlite3"

    @contextmanager
    def full(self, server: Server) -> Iterator[None]:
        """Not one byte more."""
        if not self.mounts:
            soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, hard))
            try:
                yield
            finally:
                resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
            return
        ballast = self.data / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096) == 4096:
                    pass
            except OSError:
                pass
        try:
            yield
        finally:
            ballast.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """As a disk is after the kernel has seen an error on it."""
        if self.mounts:
            _run("mount", "--bind", str(self.data), str(self.data))
            _run("mount", "-o", "remount,bind,ro", str(self.data))
            # On a real one what is open does not write either; here it would, until its connection is renewed.
            renewed = settings.DATABASES["default"]["CONN_MAX_AGE"] + 0.5
            time.sleep(renewed)
            try:
                yield
            finally:
                # Lazily: the program may be looking at a file at this very moment.
                _run("umount", "-l", str(self.data))
                time.sleep(renewed)  # a connection that was opened meanwhile knows only the read-only disk
            return
        modes = {path: path.stat().st_mode for path in (self.data, *self.data.glob("*.sqlite3*"))}
        for path, mode in modes.items():
            path.chmod(mode & 0o555)
        try:
            yield
        finally:
            for path, mode in modes.items():
                path.chmod(mode)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Another program holds the file and does not let go. Moving it away would destroy more than a test may."""
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            connection = sqlite3.connect(self.file, timeout=30, isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
            held.set()
            release.wait(120)
            connection.execute("ROLLBACK")
            connection.close()

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(30)
        try:
            yield
        finally:
            release.set()
            holder.join()

    def execute(self, statement: str) -> None:
        with sqlite3.connect(self.file) as connection:
            connection.execute(statement)
        connection.close()

    def migrations(self) -> list[tuple[str, str]]:
        connection = sqlite3.connect(self.file)
        found = connection.execute("SELECT app, name FROM django_migrations").fetchall()
        connection.close()
        return found

    def close(self) -> None:
        if self.mounts:
            _run("umount", "-l", str(self.data))


class PostgresWorld:
    """A new database in a PostgreSQL that these tests alone stop and start, with the data folder beside it."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.data, self.postgres = folder / "data", postgres
        self.name = f"world_{free_port()}"
        self.settings = {"database_url": postgres.create(self.name)}

    @contextmanager
    def full(self, _server: Server) -> Iterator[None]:
        self.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
        )
        tables = ("bonds_item", "bonds_event", "moments_draft", "django_session")
        for table in tables:
            self.execute(f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION full_disk()")
        yield
        for table in tables:
            self.execute(f"DROP TRIGGER full_disk ON {table}")
        self.execute("DROP FUNCTION full_disk()")

    @contextmanager
    def read_only(self) -> Iterator[None]:
        self._everywhere(f"ALTER DATABASE {self.name} SET default_transaction_read_only = on")
        yield
        self._everywhere(f"ALTER DATABASE {self.name} RESET default_transaction_read_only")

    def _everywhere(self, statement: str) -> None:
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'"
        for one in (statement, end):
            self.execute(one, "postgres")

    @contextmanager
    def away(self) -> Iterator[None]:
        self.postgres.down()
        yield
        self.postgres.up()

    def execute(self, statement: str, database: str = "") -> None:
        import psycopg

        with psycopg.connect(self.postgres.url(database or self.name), autocommit=True) as connection:
            connection.execute(statement)

    def migrations(self) -> list[tuple[str, str]]:
        import psycopg

        with psycopg.connect(self.postgres.url(self.name)) as connection:
            return connection.execute("SELECT app, name FROM django_migrations").fetchall()

    def close(self) -> None:
        """Nothing to do: the server ends with the last of these tests."""


def _run(*command: str) -> None:
    for _attempt in range(20):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"{' '.join(command[:3])}: {done.stderr}")


World = SqliteWorld | PostgresWorld
