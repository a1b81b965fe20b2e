"""Backups of a running place: made while people write, checked, and restored without what was removed since."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from closeknit.web import backup, config, reapply
from tests import boot
from tests.http import PASSPHRASE, Browser
from tests.services import ROOT, Server, free_port

pytestmark = pytest.mark.live
NEW = "a much newer kitchen on a monday"
WORDS = ("kumquat", "velodrome", "marzipan", "zeppelin", PASSPHRASE, NEW)


@dataclass
class Place:
    """A data folder, and a database of its own where the suite runs on PostgreSQL."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, data: Path) -> Place:
        data.parent.mkdir(exist_ok=True)
        if boot.POSTGRES is None:
            return cls(data)
        return cls(data, {"database_url": boot.POSTGRES.create(f"place_{os.getpid()}_{free_port()}")})

    def serve(self) -> Server:
        return Server.start(self.data, **self.environment)

    def run(self, *args: object) -> subprocess.CompletedProcess[str]:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("CLOSEKNIT_", "DJANGO_"))}
        env |= {f"CLOSEKNIT_{name.upper()}": value for name, value in self.environment.items()}
        env |= {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "400"}
        command = [sys.executable, "-m", "closeknit.cli", str(args[0]), "--data", str(self.data), *map(str, args[1:])]
        return subprocess.run(command, env=env, capture_output=True, text=True, cwd=self.data.parent, check=False)

    def backup(self) -> Path:
        done = self.run("backup")
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.split(".ckbackup")[0] + ".ckbackup")

    def everything(self) -> bytes:
        """All bytes on the disk that are this place's; on PostgreSQL a dump in clear as well."""
        parts = [file.read_bytes() for file in self.data.rglob("*") if file.is_file() and "static" not in file.parts]
        if "database_url" in self.environment:
            import psycopg

            with psycopg.connect(self.environment["database_url"]) as there:
                tables = there.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
                for (table,) in tables:
                    for row in there.execute(f'SELECT * FROM "{table}"').fetchall():
                        parts += [bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row]
        return b"\n".join(parts)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        if "database_url" in self.environment:
            import psycopg

            with psycopg.connect(self.environment["database_url"]) as there:
                return there.execute(statement).fetchall()
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(self.data / "closeknit.sqlite3")) as there:
            return there.execute(statement).fetchall()


def sign_in(server: Server, name: str, passphrase: str = PASSPHRASE) -> Browser:
    browser = Browser(server)
    status, where = browser.form("/sign-in/", "/sign-in/", login=name, password=passphrase)
    assert status == 302, where
    return browser


def life(server: Server) -> tuple[Browser, str]:
    """Ana, alone in a bond so far, and the path of its first moment."""
    ana = Browser(server)
    ana.sign_up("ana")
    form = {"kind": "partners", "name": "Us", "own_name": "Ana", "thread": "madder", "leave_rule": "leave"}
    _status, where = ana.form("/bonds/new/", "/bonds/new/", **form)
    page = ana.ask("GET", where.replace("invite/", ""))[2]
    return ana, re.search(r"/b/[0-9a-f-]+/m/[0-9a-f-]+/", page).group(0)


@pytest.fixture
def home(tmp_path):
    place = Place.new(tmp_path / "home" / "data")
    server = place.serve()
    yield place, server
    if server.process.poll() is None:
        server.stop()


def test_a_backup_made_while_people_write_opens_elsewhere_and_life_goes_on(home, tmp_path):
    place, server = home
    ana, moment = life(server)
    ana.form(moment + "draft/", moment, text="kumquat, a draft")
    done, wrong = threading.Event(), []

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            status, _where = ana.form(moment + "draft/", moment, text=f"kumquat {number}")
            wrong.extend([status] if status not in {200, 204, 302} else [])
        wrong.extend(["nothing was written"] if number < 2 else [])

    writer = threading.Thread(target=write)
    writer.start()
    file = place.backup()
    done.set()
    writer.join()
    assert not wrong
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(file.parent.glob(".closeknit-work-*"))
    noted = json.loads((place.data / "last_backup.json").read_text())
    assert noted["file"] == file.name and datetime.fromisoformat(noted["at"])
    with zipfile.ZipFile(file) as packed:
        inside = b"".join(packed.read(name) for name in packed.namelist())
        counts = json.loads(packed.read("manifest.json"))["counts"]
    assert counts["django_session"] == counts["members_ownsession"] == 0 and counts["members_member"] == 1
    assert not [word for word in WORDS if word.encode() in inside + file.read_bytes()]
    assert (place.data / "secret_key").read_bytes() not in inside
    server.stop()

    other = Place.new(tmp_path / "other" / "data")
    restored = other.run("restore", file)
    assert restored.returncode == 0, restored.stderr
    assert "No journal was given that is newer" in restored.stdout
    second = other.serve()
    try:
        stranger = Browser(second, dict(ana.cookies))
        assert stranger.ask("GET", moment)[0] == 302, "a session came back"
        again = sign_in(second, "ana")
        assert "kumquat" in again.ask("GET", moment)[2]
        again.form(moment + "share/", moment, text="marzipan, written after the restore")
        assert "marzipan" in again.ask("GET", moment)[2]
        assert stat.S_IMODE((other.data / "journal.jsonl").stat().st_mode) == 0o600
    finally:
        second.stop()


def test_what_was_taken_back_after_the_backup_is_gone_again_and_old_credentials_are_renewed(home, tmp_path):
    place, server = home
    ana, moment = life(server)
    ana.form(moment + "share/", moment, text="velodrome, to be taken back")
    before = place.rows("SELECT id, body FROM bonds_item")
    assert len(before) == 1
    file = place.backup()
    assert ana.form(moment + "withdraw/", moment)[0] == 302
    new = {"passphrase": PASSPHRASE, "new_passphrase": NEW}
    assert ana.form("/you/passphrase/", "/you/passphrase/", **new)[0] == 302
    journal = tmp_path / "journal-of-the-lost.jsonl"
    shutil.copyfile(place.data / "journal.jsonl", journal)
    server.stop()

    forgetful = Place.new(tmp_path / "forgetful" / "data")
    assert forgetful.run("restore", file).returncode == 0
    assert len(forgetful.rows("SELECT id FROM bonds_item")) == 1, "the backup held it, or this test proves nothing"

    other = Place.new(tmp_path / "other" / "data")
    restored = other.run("restore", file, "--journal", journal)
    assert restored.returncode == 0, restored.stderr
    assert "removed again" in restored.stdout and "asked for new ones at once: ana." in restored.stdout
    assert other.rows("SELECT id FROM bonds_item") == []
    envelope = bytes(before[0][1])
    assert envelope[60:200] not in other.everything()
    assert not (other.data / config.RESTORING).exists()
    second = other.serve()
    try:
        again = sign_in(second, "ana")
        status, headers, _page = again.ask("GET", moment)
        assert status == 302 and headers["location"] == "/you/passphrase/"
        assert again.form("/you/passphrase/", "/you/passphrase/", **new) == (302, "/kit/")
        page = again.ask("GET", moment)[2]
        assert "velodrome" not in page and again.ask("GET", moment)[0] == 200
        # The journal goes on: restored once more from the same file, it is still gone.
        third = Place.new(tmp_path / "third" / "data")
        assert third.run("restore", file, "--journal", other.data / "journal.jsonl").returncode == 0
        assert third.rows("SELECT id FROM bonds_item") == []
    finally:
        second.stop()


def test_damage_is_noticed_and_said_kindly(home):
    place, server = home
    life(server)
    file = place.backup()
    server.stop()
    good = place.run("backup", "--check", file)
    assert good.returncode == 0 and "whole, complete, and everything in it sealed" in good.stdout, good.stderr
    raw = file.read_bytes()
    hurt = file.with_name("hurt.ckbackup")
    damaged = [raw[: len(raw) // 2], raw[:-1], b"", b"not a backup at all" * 20]
    for where in (10, len(raw) // 3, len(raw) - 100, len(raw) - 5):
        damaged.append(raw[:where] + bytes([raw[where] ^ 1]) + raw[where + 1 :])
    for bytes_of_it in damaged:
        hurt.write_bytes(bytes_of_it)
        with pytest.raises(backup.BackupError, match="damaged"):
            backup.manifest_of(hurt)
    said = place.run("backup", "--check", hurt)
    assert said.returncode == 2 and "damaged" in said.stderr and "Traceback" not in said.stderr
    refused = place.run("restore", file)
    assert refused.returncode == 2 and "already" in refused.stderr and "nothing was changed" in refused.stderr


def test_a_backup_that_is_whole_but_wrong_inside_is_found_out(home, tmp_path):
    """What damage cannot do, a mistake of ours could: the check looks at rows, versions and envelopes themselves."""
    place, server = home
    life(server)
    if "database_url" in place.environment:
        import psycopg

        with psycopg.connect(place.environment["database_url"]) as there:
            there.execute("UPDATE members_memberrow SET body = 'plainly written'")
    else:
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(place.data / "closeknit.sqlite3")) as there, there:
            there.execute("UPDATE members_memberrow SET body = 'plainly written'")
    server.stop()
    file = place.backup()
    said = place.run("backup", "--check", file)
    assert said.returncode == 1 and "members_memberrow are not sealed" in said.stderr
    with zipfile.ZipFile(file) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(parts["manifest.json"])
    manifest["counts"]["bonds_bond"] += 1
    manifest["migrations"].append(["bonds", "9999_of_the_future"])
    work = tmp_path / "work"
    work.mkdir()
    for name, data in parts.items():
        (work / name).write_bytes(data)
    changed = backup.Manifest.read(json.dumps(manifest).encode())
    wrong = tmp_path / "wrong.ckbackup"
    backup._pack(wrong, changed, [work / name for name in changed.files], compress=True, step=backup._quiet)
    said = place.run("backup", "--check", wrong)
    assert said.returncode == 1
    assert "bonds_bond has not as many rows" in said.stderr and "newer Closeknit" in said.stderr
    other = Place.new(tmp_path / "other" / "data")
    refused = other.run("restore", wrong)
    assert refused.returncode == 2 and "newer Closeknit" in refused.stderr


def test_a_restore_that_was_cut_off_is_not_served(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / config.RESTORING).touch()
    assert [one.code for one in config.problems(config.Config(data=data))] == ["half-restored"]


def test_a_mistyped_folder_is_said_and_nothing_is_made_there(tmp_path):
    place = Place.new(tmp_path / "typo" / "data")
    said = place.run("backup")
    assert said.returncode == 2 and "no database here" in said.stderr.replace("\n", " ")
    assert not place.data.exists()


@pytest.mark.parametrize(
    ("newer", "given", "says"),
    [(True, True, ""), (False, True, "knows of nothing"), (False, False, "No journal was given")],
)
def test_a_restore_says_what_its_journal_knows(newer, given, says):
    manifest = backup.Manifest("1", datetime(2026, 5, 1, tzinfo=UTC), backup.SQLITE, [], {}, {})
    lines = " ".join(backup.Restored(manifest, reapply.Again(), newer, given).lines())
    assert says in lines and ("journal" in lines) == bool(says)


def test_old_backups_go_and_others_files_stay(tmp_path):
    now = datetime(2026, 5, 1, tzinfo=UTC)
    names = [f"closeknit-{(now - timedelta(days=days)).strftime('%Y%m%dT%H%M%SZ')}.ckbackup" for days in (0, 29, 31, 90)]
    for name in [*names, "closeknit-notes.ckbackup", "photo.jpg"]:
        (tmp_path / name).touch()
    assert backup._delete_old(tmp_path, now - timedelta(days=30)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[:2], "closeknit-notes.ckbackup", "photo.jpg"])


def test_the_last_backup_is_known_or_none(tmp_path):
    one = config.Config(data=tmp_path)
    assert backup.last_backup(one) is None
    at = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)
    backup._note_last(one, tmp_path / "x.ckbackup", at)
    assert backup.last_backup(one) == at
    (tmp_path / backup.LAST).write_text("{")
    assert backup.last_backup(one) is None
