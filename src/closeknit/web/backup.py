"""Backups: made while people write, checked by restoring them somewhere else, restored without what was removed since.

A backup is one zip file. In it: the database as it was at one moment, without sessions; the journal of removals; and a
manifest with counts and hashes. The file ends with a hash of all before it, so that damage anywhere is noticed.

The key that signs cookies is not in it. A restored place makes a new one: whoever finds a backup can then forge no
session and no link of the host's, and everybody signs in again anyway. Neither are sessions in it: each holds a member's
secret sealed under a browser's cookie, and a found backup with a found cookie would open what was signed out long ago.

Django is imported inside the functions, since a restore has to look at its target before the settings make a key there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from closeknit import __version__, vault
from closeknit.web import clock

from .config import DATABASE_FILE, RESTORING, Config

if TYPE_CHECKING:
    from .reapply import Again
    from .sealed.journal import Note

FORMAT = 1
SUFFIX = ".ckbackup"
KEEP_DAYS = 30
MANIFEST, JOURNAL = "manifest.json", "journal.jsonl"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
DATABASE = {SQLITE: "database.sqlite3", POSTGRESQL: "database.pgdump"}
LAST = "last_backup.json"
#: Their rows stay behind.
SESSIONS = ("django_session", "members_ownsession")
PIECE = 1024 * 1024
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(rf"closeknit-(\d{{8}}T\d{{6}}Z){re.escape(SUFFIX)}")
_HASH_HEX = 64

#: Called with what is being done, how much is done, and how much there is (or None).
Step = Callable[[str, int, int | None], None]


class BackupError(Exception):
    """Something a host can mend: what it is, and how."""

    def __init__(self, says: str, mend: str) -> None:
        super().__init__(f"{says} {mend}")
        self.says, self.mend = says, mend


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    path: Path
    at: datetime
    size: int
    rows: int
    gone: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says about itself."""

    version: str
    taken_at: datetime
    engine: str
    migrations: list[tuple[str, str]]
    counts: dict[str, int]
    files: dict[str, str]

    def text(self) -> str:
        return json.dumps(
            {
                "format": FORMAT,
                "version": self.version,
                "taken_at": self.taken_at.isoformat(),
                "engine": self.engine,
                "migrations": self.migrations,
                "counts": self.counts,
                "sha256": self.files,
            },
            indent=1,
        )

    @classmethod
    def read(cls, text: bytes) -> Manifest:
        """Raises BackupError for one of a newer Closeknit, ValueError or KeyError for no manifest at all."""
        found = json.loads(text)
        if found["format"] != FORMAT:
            raise BackupError("This backup was made by a newer Closeknit.", "Install that one, then try again.")
        return cls(
            found["version"],
            datetime.fromisoformat(found["taken_at"]),
            found["engine"],
            [(app, name) for app, name in found["migrations"]],
            found["counts"],
            found["sha256"],
        )


def _quiet(_text: str, _done: int, _total: int | None) -> None:
    """No progress wanted."""


# -- making ---------------------------------------------------------------------------------------------------------------


def look_before_making(config: Config) -> None:
    """Whether there is anything to back up. Before Django is loaded, which would make a key in a folder that was
    mistyped. Raises BackupError."""
    if not (config.data / DATABASE_FILE).exists() if _engine(config) == SQLITE else not config.data.is_dir():
        raise BackupError("There is no database here yet.", "Name its folder with --data, or start `closeknit serve`.")


def make(config: Config, *, to: Path | None = None, keep_days: int = KEEP_DAYS, step: Step = _quiet) -> Made:
    """Make a backup while people write, and delete those older than `keep_days` beside it. Raises BackupError."""
    from closeknit.web.sealed import journal

    folder, engine = to or config.data / "backups", _engine(config)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _tidy(folder)
    with _work_folder(folder) as work:
        database = work / DATABASE[engine]
        dump = _dump_sqlite if engine == SQLITE else _dump_postgresql
        taken_at, migrations, counts = dump(config, database, step)
        # After the database, so that what is removed in between is in the journal at least.
        journal.flush()
        notes = work / JOURNAL
        notes.touch(0o600)
        if journal.journal_path().exists():
            shutil.copyfile(journal.journal_path(), notes)
        files = {file.name: _hash_of(file) for file in (database, notes)}
        manifest = Manifest(__version__, taken_at, engine, migrations, counts, files)
        packed = work / "packed"
        _pack(packed, manifest, [database, notes], compress=engine == SQLITE, step=step)
        path = folder / f"closeknit-{taken_at.strftime(_STAMP)}{SUFFIX}"
        packed.replace(path)
        journal.sync_folder(folder)
    _note_last(config, path, taken_at)
    gone = _delete_old(folder, taken_at - timedelta(days=keep_days))
    return Made(path, taken_at, path.stat().st_size, sum(counts.values()), gone)


def last_backup(config: Config) -> datetime | None:
    """When the last backup of this installation was made, or None."""
    try:
        return datetime.fromisoformat(json.loads((config.data / LAST).read_text("utf-8"))["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _engine(config: Config) -> str:
    return POSTGRESQL if config.database_url else SQLITE


@contextmanager
def _work_folder(beside: Path) -> Iterator[Path]:
    """A folder of its owner's alone, on the same disk, that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=".closeknit-work-", dir=beside if os.access(beside, os.W_OK) else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tidy(folder: Path) -> None:
    """Work folders that a power cut left behind."""
    for left in folder.glob(".closeknit-work-*"):
        if datetime.fromtimestamp(left.stat().st_mtime, UTC) < datetime.now(UTC) - timedelta(days=1):
            shutil.rmtree(left, ignore_errors=True)


def _dump_sqlite(config: Config, into: Path, step: Step) -> tuple[datetime, list[tuple[str, str]], dict[str, int]]:
    """One moment of the database, through SQLite's own backup, in pieces; writers go on beside it."""
    source = _sqlite_path()
    into.touch(0o600)
    with (
        closing(sqlite3.connect(source, timeout=20, isolation_level=None)) as live,
        closing(sqlite3.connect(into, isolation_level=None)) as copy,
    ):
        # Without a transaction of our own the copying would start anew at each write of somebody's.
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM django_migrations").fetchone()
        taken_at = clock.now()
        live.backup(
            copy, pages=2000, progress=lambda _s, left, total: step("Copying the database", total - left, total)
        )
        live.execute("ROLLBACK")
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.execute("PRAGMA secure_delete=ON")
        for table in SESSIONS:
            copy.execute(f'DELETE FROM "{table}"')  # noqa: S608
        return taken_at, _migrations(copy), _counts(copy, _sqlite_tables(copy))


def _sqlite_path() -> Path:
    from django.db import connection

    return Path(connection.settings_dict["NAME"])


def _dump_postgresql(config: Config, into: Path, step: Step) -> tuple[datetime, list[tuple[str, str]], dict[str, int]]:
    """One moment of the database, through pg_dump; the counts are of the same moment."""
    import psycopg

    step("Copying the database", 0, None)
    name, server = _server()
    into.touch(0o600)
    with psycopg.connect(dbname=name, **server) as live:
        live.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        live.read_only = True
        snapshot = live.execute("SELECT pg_export_snapshot()").fetchone()[0]  # type: ignore[index]
        taken_at = clock.now()
        leave = [f"--exclude-table-data=public.{table}" for table in SESSIONS]
        _postgresql_program(
            "pg_dump",
            ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", *leave, f"--file={into}"],
            name,
            server,
        )
        counts = _counts(live, _postgresql_tables(live)) | dict.fromkeys(SESSIONS, 0)
        return taken_at, _migrations(live), counts


def _server() -> tuple[str, dict[str, str]]:
    """The database's name, and how to reach its server."""
    from django.db import connection

    settings = connection.settings_dict
    names = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return settings["NAME"], {key: str(settings[name]) for key, name in names.items() if settings[name]}


def _find(program: str) -> str:
    found = shutil.which(program)
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda p: int(p.parts[-3]), reverse=True)
    if found is None and not places:
        raise BackupError(f"{program} is missing on this machine.", "Install your system's PostgreSQL client package.")
    return found or str(places[0])


def _postgresql_program(program: str, options: list[str], name: str, server: dict[str, str]) -> None:
    """Run one of PostgreSQL's programs. The password goes by the environment, where no list of processes shows it."""
    environment = {**os.environ, **{f"PG{key.upper()}": value for key, value in server.items()}}
    done = subprocess.run(  # noqa: S603
        [_find(program), *options, f"--dbname={name}"], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    said = next((line for line in done.stderr.splitlines() if "error" in line), "")[:200]
    if "version mismatch" in done.stderr:
        raise BackupError(f"{program} is older than the server.", "Install the client package of the server's version.")
    raise BackupError(f"{program} did not finish: {said}", "Mend that, then try again.")


def _sqlite_tables(copy: Any) -> list[str]:
    found = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return sorted(name for (name,) in found.fetchall())


def _postgresql_tables(copy: Any) -> list[str]:
    found = copy.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return sorted(name for (name,) in found)


def _counts(copy: Any, tables: Sequence[str]) -> dict[str, int]:
    return {table: int(copy.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]) for table in tables}  # noqa: S608


def _migrations(copy: Any) -> list[tuple[str, str]]:
    return sorted((app, name) for app, name in copy.execute("SELECT app, name FROM django_migrations").fetchall())


def _hash_of(path: Path, size: int | None = None, step: Step = _quiet) -> str:
    """The hash of a file, or of its first `size` bytes."""
    total = path.stat().st_size if size is None else size
    left, found = total, hashlib.sha256()
    with path.open("rb") as file:
        while left and (piece := file.read(min(PIECE, left))):
            found.update(piece)
            left -= len(piece)
            step("Looking for damage", total - left, total)
    return found.hexdigest()


def _pack(path: Path, manifest: Manifest, files: list[Path], *, compress: bool, step: Step) -> None:
    """A zip file whose comment, at its very end, is the hash of everything before it."""
    path.touch(0o600)
    how = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", how, compresslevel=1) as packed:
        packed.writestr(MANIFEST, manifest.text())
        for file in files:
            total, done = file.stat().st_size, 0
            with file.open("rb") as source, packed.open(file.name, "w", force_zip64=True) as target:
                while piece := source.read(PIECE):
                    target.write(piece)
                    done += len(piece)
                    step("Packing it", done, total)
        packed.comment = b"0" * _HASH_HEX
    whole = _hash_of(path, path.stat().st_size - _HASH_HEX)
    with path.open("r+b") as end:
        end.seek(-_HASH_HEX, os.SEEK_END)
        end.write(whole.encode("ascii"))
        end.flush()
        os.fsync(end.fileno())


def _note_last(config: Config, path: Path, at: datetime) -> None:
    part = config.data / f".{LAST}"
    part.touch(0o600)
    part.write_text(json.dumps({"at": at.isoformat(), "file": path.name}), "utf-8")
    part.replace(config.data / LAST)


def _delete_old(folder: Path, before: datetime) -> int:
    """Delete our own backups from before a moment, by the time in their names."""
    gone = 0
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match and datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC) < before:
            path.unlink()
            gone += 1
    return gone


# -- opening --------------------------------------------------------------------------------------------------------------

_DAMAGED = BackupError("This file is damaged, or is no backup of Closeknit.", "Take another one; keep several.")


def manifest_of(path: Path, step: Step = _quiet) -> Manifest:
    """Look the whole file over and read what it says about itself. Raises BackupError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(-_HASH_HEX, os.SEEK_END)
            written = file.read()
        if _hash_of(path, size - _HASH_HEX, step).encode("ascii") != written:
            raise _DAMAGED
        with zipfile.ZipFile(path) as packed:
            return Manifest.read(packed.read(MANIFEST))
    except FileNotFoundError:
        raise BackupError("There is no such file.", "Give the path of a .ckbackup file.") from None
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        raise _DAMAGED from None


def _unpack(path: Path, manifest: Manifest, folder: Path, step: Step) -> tuple[Path, Path]:
    """The database's file and the journal, in `folder`."""
    try:
        with zipfile.ZipFile(path) as packed:
            for name in (DATABASE[manifest.engine], JOURNAL):
                target = folder / name
                target.touch(0o600)
                total, done = packed.getinfo(name).file_size, 0
                with packed.open(name) as source, target.open("wb") as out:
                    while piece := source.read(PIECE):
                        out.write(piece)
                        done += len(piece)
                        step("Unpacking it", done, total)
                    out.flush()
                    os.fsync(out.fileno())
                if _hash_of(target) != manifest.files[name]:
                    raise _DAMAGED
    except (KeyError, zipfile.BadZipFile):
        raise _DAMAGED from None
    return folder / DATABASE[manifest.engine], folder / JOURNAL


# -- checking -------------------------------------------------------------------------------------------------------------


def check(path: Path, config: Config, step: Step = _quiet) -> tuple[Manifest, list[str]]:
    """Restore a backup somewhere else, look at everything that can be seen without keys, and clean up.

    Returns what it says about itself and what is wrong with it. Raises BackupError if it cannot be opened at all.
    """
    manifest = manifest_of(path, step)
    with _work_folder(path.parent) as work:
        database, _journal = _unpack(path, manifest, work, step)
        opened = _copy_sqlite(database) if manifest.engine == SQLITE else _copy_postgresql(database, config, step)
        with opened as (copy, tables):
            return manifest, _problems(copy, tables, manifest, step)


@contextmanager
def _copy_sqlite(database: Path) -> Iterator[tuple[Any, list[str]]]:
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as copy:
        yield copy, _sqlite_tables(copy)


@contextmanager
def _copy_postgresql(database: Path, config: Config, step: Step) -> Iterator[tuple[Any, list[str]]]:
    """Restored into a database of its own on the same server, which is dropped afterwards."""
    import psycopg

    _need(config, POSTGRESQL)
    name, server = _server()
    spare = f"closeknit_check_{secrets.token_hex(6)}"
    try:
        with psycopg.connect(dbname=name, autocommit=True, **server) as live:
            live.execute(f'CREATE DATABASE "{spare}" TEMPLATE template0')
    except psycopg.errors.InsufficientPrivilege:
        mend = "Let it once (ALTER ROLE ... CREATEDB), or check on another server."
        raise BackupError("Checking makes a database beside yours, and this user may not.", mend) from None
    try:
        _load_postgresql(database, spare, server, step)
        with psycopg.connect(dbname=spare, **server) as copy:
            yield copy, _postgresql_tables(copy)
    finally:
        with psycopg.connect(dbname=name, autocommit=True, **server) as live:
            live.execute(f'DROP DATABASE IF EXISTS "{spare}"')


def _load_postgresql(database: Path, name: str, server: dict[str, str], step: Step) -> None:
    step("Loading the database", 0, None)
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(database)]
    _postgresql_program("pg_restore", options, name, server)


def _problems(copy: Any, tables: list[str], manifest: Manifest, step: Step) -> list[str]:
    found = []
    if manifest.engine == SQLITE:
        try:
            if copy.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                found.append("The database is damaged inside.")
            if copy.execute("PRAGMA foreign_key_check").fetchall():
                found.append("Rows refer to others that are missing.")
        except sqlite3.DatabaseError:
            return ["The database is damaged inside."]
    if _migrations(copy) != sorted(manifest.migrations):
        found.append("Its tables are not of the version that it names.")
    if unknown_migrations(manifest):
        found.append("It was made by a newer Closeknit than this one.")
    counts = _counts(copy, tables)
    wrong = [table for table in {*counts, *manifest.counts} if counts.get(table) != manifest.counts.get(table)]
    found += [f"The table {table} has not as many rows as were saved." for table in sorted(wrong)]
    found += _envelope_problems(copy, tables, counts, step)
    return found


def unknown_migrations(manifest: Manifest) -> list[tuple[str, str]]:
    """Migrations of ours that the backup has and this program does not know."""
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(None)
    known = set(loader.disk_migrations) | {tuple(one) for m in loader.disk_migrations.values() for one in m.replaces}
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("closeknit.")}
    return [one for one in manifest.migrations if one[0] in ours and one not in known]


def _envelope_problems(copy: Any, tables: list[str], counts: dict[str, int], step: Step) -> list[str]:
    """Every sealed column of every row: whether what lies there is an envelope at all."""
    from django.apps import apps

    from closeknit.web.sealed.models import SealedField

    found = []
    for model in apps.get_models():
        table = model._meta.db_table
        columns = [f.column for f in model._meta.concrete_fields if isinstance(f, SealedField)]
        if table not in tables or not columns:
            continue
        names = ", ".join(f'"{column}"' for column in columns)
        wrong = 0
        for number, row in enumerate(_stream(copy, f'SELECT {names} FROM "{table}"'), start=1):  # noqa: S608
            wrong += any(value is not None and not _is_envelope(value) for value in row)
            if number % 1000 == 0:
                step("Looking at what is sealed", number, counts[table])
        if wrong:
            found.append(f"{wrong} rows of {table} are not sealed as they should be.")
    return found


def _stream(copy: Any, statement: str) -> Iterator[tuple[Any, ...]]:
    if isinstance(copy, sqlite3.Connection):
        yield from copy.execute(statement)
        return
    with copy.cursor(name="sealed") as cursor:
        cursor.execute(statement)
        yield from cursor


def _is_envelope(value: Any) -> bool:
    try:
        vault.parse(bytes(value))
    except (vault.VaultError, TypeError):
        return False
    return True


# -- restoring ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought back, and what it did not let come back."""

    manifest: Manifest
    again: Again
    #: Whether any journal reaches beyond the moment of the backup, and whether one was there beside that in the backup.
    journal_is_newer: bool
    journal_was_given: bool = False

    def lines(self) -> list[str]:
        """What the host should know now, in plain words."""
        again = self.again
        found = [
            f"Restored as it was on {self.manifest.taken_at:%Y-%m-%d at %H:%M} UTC. What was written later is not in it.",
            "Everybody signs in again.",
        ]
        if not self.journal_is_newer and self.journal_was_given:
            found.append(
                "The journal that was given knows of nothing that was removed after the backup. If it is the one that lay "
                "beside the lost database, nothing was."
            )
        elif not self.journal_is_newer:
            found.append(
                "No journal was given that is newer than the backup. What was deleted since is back, and whoever left "
                "since is in again. If you still have the journal.jsonl that lay beside the lost database, restore "
                "once more into another empty place, with --journal."
            )
        counted = [
            (again.accounts, "account(s) deleted since: deleted again."),
            (again.removed, "row(s) taken back or deleted since: removed again."),
            (again.left, "membership(s) ended since: ended again."),
            (again.invitations, "invitation(s) used or recalled since: ended again."),
            (len(again.bonds), "bond(s) get a new key when somebody next writes there."),
            (again.not_known, "note(s) are about something that this Closeknit does not know."),
        ]
        found += [f"{count} {says}" for count, says in counted if count]
        if again.renew:
            found.append(
                "These members had changed their passphrase, kit or keys since. The old ones open again. Tell them to "
                f"sign in with the old ones soon; they are asked for new ones at once: {', '.join(again.renew)}."
            )
        found.append("Now start `closeknit serve` here.")
        return found


def _need(config: Config, engine: str) -> None:
    if engine == POSTGRESQL and not config.database_url:
        mend = "Set CLOSEKNIT_DATABASE_URL to a PostgreSQL server."
        raise BackupError("This backup holds a PostgreSQL database.", mend)
    if engine == SQLITE and config.database_url:
        raise BackupError("This backup holds an SQLite database.", "Unset CLOSEKNIT_DATABASE_URL.")


def look_before_restoring(path: Path, config: Config, step: Step = _quiet) -> Manifest:
    """Whether this backup can go where it is to go. Before Django is loaded, which writes there. Raises BackupError."""
    manifest = manifest_of(path, step)
    _need(config, manifest.engine)
    if manifest.engine == SQLITE:
        if config.data.exists() and any(config.data.iterdir()):
            mend = "Give a new or empty one with --data; nothing was changed."
            raise BackupError("There is something in that folder already.", mend)
        return manifest
    import psycopg

    url = urlsplit(config.database_url)
    with psycopg.connect(
        dbname=url.path.lstrip("/"),
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        host=unquote(url.hostname or ""),
        port=str(url.port or ""),
    ) as there:
        if _postgresql_tables(there):
            mend = "Make an empty one and name it in CLOSEKNIT_DATABASE_URL; nothing was changed."
            raise BackupError("There is something in that database already.", mend)
    return manifest


def restore(path: Path, config: Config, journals: Sequence[Path] = (), step: Step = _quiet) -> Restored:
    """Bring a backup back into an empty place, without what was removed since. Nobody is served before it is done:
    a half-done restore leaves a mark that `closeknit serve` refuses. Call after `look_before_restoring`."""
    from django.core.management import call_command
    from django.db import connection

    from closeknit.web import reapply
    from closeknit.web.sealed import journal
    from closeknit.web.sealed.models import Removal

    manifest = manifest_of(path)
    if unknown_migrations(manifest):
        raise BackupError("This backup was made by a newer Closeknit.", "Install that one, then try again.")
    config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = config.data / RESTORING
    mark.touch(0o600)
    journal.sync_folder(config.data)
    with _work_folder(config.data) as work:
        database, packed_journal = _unpack(path, manifest, work, step)
        given = [path for path in (*journals, journal.journal_path()) if path.exists()]
        notes = _notes([packed_journal, *given])
        if manifest.engine == SQLITE:
            database.replace(_sqlite_path())
        else:
            _load_postgresql(database, *_server(), step)
    step("Bringing the tables up to date", 0, None)
    call_command("migrate", verbosity=0, interactive=False)
    step("Removing again what was removed since", 0, None)
    again = reapply.apply(notes, manifest.taken_at)
    # The journal goes on where it was, so that an older backup can be restored later, too.
    notes |= dict.fromkeys(journal.Note.of(removal) for removal in Removal.objects.order_by("pk"))
    part = config.data / f".{JOURNAL}"
    part.unlink(missing_ok=True)
    journal.append(part, notes)
    part.replace(journal.journal_path())
    Removal.objects.all().delete()
    _forget_on_disk(connection)
    mark.unlink()
    journal.sync_folder(config.data)
    return Restored(manifest, again, any(note.at > manifest.taken_at for note in notes), bool(given))


def _notes(journals: Sequence[Path]) -> dict[Note, None]:
    """All notes of all journals, each once, in order."""
    from closeknit.web.sealed import journal

    return {note: None for path in journals if path.exists() for note in journal.read(path)}


def _forget_on_disk(connection: Any) -> None:
    """Have what was removed overwritten in the database's files, too."""
    with connection.cursor() as cursor:
        if connection.vendor == SQLITE:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            cursor.execute("VACUUM FULL")
