"""Every check of `closeknit doctor`, failing and passing, in real situations wherever one is cheap."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler

from closeknit.web import config as settings
from closeknit.web import doctor, health
from closeknit.web.config import Config
from closeknit.web.content import content_root
from tests.services import ROOT, Postgres, Redis, Server, free_port, program

ME = os.geteuid()
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
PUBLIC = "https://closeknit.example"


def found(row: doctor.Row) -> tuple[str, str]:
    """Code and state; and no row, whatever it found, goes without saying what to do."""
    assert row.says.endswith(".") and row.mend
    return row.code, row.state


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def _fresh_settings():
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()


@pytest.mark.usefixtures("_fresh_settings")
def test_settings(data, monkeypatch):
    monkeypatch.setenv("CLOSEKNIT_DATA", str(data))
    monkeypatch.delenv("CLOSEKNIT_DATABASE_URL", raising=False)
    assert [found(row) for row in doctor.settings_safe({"CLOSEKNIT_DATA": str(data)})] == [("settings", "ok")]
    (row,) = doctor.settings_safe({"CLOSEKNIT_TRUSTED_PROXY": "127.0.0.1"})
    assert found(row) == ("unknown-setting", "warn") and "CLOSEKNIT_TRUSTED_PROXIES" in row.mend
    (row,) = doctor.settings_safe({"CLOSEKNIT_XYZZY_QUUX_FROB": "1"})
    assert found(row) == ("unknown-setting", "warn") and "Remove" in row.mend
    settings.load.cache_clear()
    monkeypatch.setenv("CLOSEKNIT_HOST", "0.0.0.0")
    monkeypatch.setenv("CLOSEKNIT_PROCESSES", "2")
    assert {found(row) for row in doctor.settings_safe({})} == {
        ("no-tls", "bad"),
        ("no-broker", "bad"),
        ("sqlite-shared", "bad"),
    }


# -- the folder -------------------------------------------------------------------------------------------------------


def test_folder(data, tmp_path):
    (data / "a").touch()
    assert found(doctor.folder(data, ME)) == ("folder", "ok")
    assert found(doctor.folder(tmp_path / "none", ME)) == ("no-folder", "warn")
    assert found(doctor.folder(data, ME + 1)) == ("other-user", "bad")
    data.chmod(0o755)
    row = doctor.folder(data, ME)
    assert found(row) == ("open-folder", "warn") and f"chmod 700 {data}" in row.mend
    data.chmod(0o777)
    assert found(doctor.folder(data, ME)) == ("open-folder", "bad")


def test_a_file_of_another_user_in_the_folder():
    # The one folder on every Linux in which files of ours and of others lie side by side without root's help.
    proc = Path("/proc")
    owner = proc.stat().st_uid
    others = any(file.st_uid != owner for file in doctor._files(proc).values())
    child = None
    if not others:
        # Only root's processes run: one of somebody else's is needed, and root may start it.
        child = subprocess.Popen(["sleep", "20"], user="nobody")
    try:
        assert found(doctor.folder(proc, owner)) == ("stray-owner", "bad")
    finally:
        if child is not None:
            child.kill()
            child.wait()


def test_secrets(data, tmp_path):
    config = Config(data=data)
    assert found(doctor.secrets_closed(config, {})) == ("no-secret", "warn")
    settings.secret_key(config)
    assert found(doctor.secrets_closed(config, {})) == ("secret", "ok")
    (data / "secret_key").write_text("short")
    assert found(doctor.secrets_closed(config, {})) == ("weak-secret", "bad")
    given = Config(data=data, secret_key="x" * 60)
    assert found(doctor.secrets_closed(given, {})) == ("secret", "ok")
    file = tmp_path / "closeknit.env"
    file.touch(mode=0o640)
    file.chmod(0o640)
    assert found(doctor.secrets_closed(given, {"CLOSEKNIT_CONFIG": str(file)})) == ("secret", "ok")
    file.chmod(0o644)
    row = doctor.secrets_closed(given, {"CLOSEKNIT_CONFIG": str(file)})
    assert found(row) == ("open-settings", "warn") and str(file) in row.mend


def test_disk(data):
    left = shutil.disk_usage(data).free
    assert found(doctor.disk(data, low=0, full=0)) == ("disk", "ok")
    assert found(doctor.disk(data / "not" / "there", low=left * 2, full=0)) == ("disk-low", "warn")
    assert found(doctor.disk(data, low=left * 2, full=left * 2)) == ("disk-full", "bad")


def test_file_system(data):
    here = "/dev/sda1 / ext4 rw 0 0\n"
    assert found(doctor.file_system(data, here)) == ("file-system", "ok")
    on_network = f"{here}server:/home {data.parent} nfs4 rw 0 0\n"
    assert found(doctor.file_system(data, on_network)) == ("network-folder", "bad")
    assert found(doctor.file_system(data, f"{on_network}/dev/sdb1 {data} ext4 rw 0 0\n")) == ("file-system", "ok")
    # A mount whose name merely begins alike is not ours.
    assert found(doctor.file_system(data, f"{here}server:/home {data}-other nfs4 rw 0 0\n")) == ("file-system", "ok")
    assert found(doctor.file_system(data, Path("/proc/self/mounts").read_text())) == ("file-system", "ok")


def test_clock(data):
    now = time.time()
    assert found(doctor.clock(data, now, now + 1)) == ("clock", "ok") and not list(data.iterdir())
    assert found(doctor.clock(data, 12 * 86400)) == ("clock-wrong", "bad")
    assert found(doctor.clock(data, now, now - 60)) == ("clock-apart", "warn")
    assert found(doctor.clock(Path("/proc/self"), now)) == ("folder-closed", "bad")
    (data / "later").touch()
    os.utime(data / "later", (now + 86400, now + 86400))
    assert found(doctor.clock(data, now)) == ("clock-back", "warn")


def test_a_clock_that_jumps_between_program_and_disk(data, monkeypatch):
    monkeypatch.setattr(doctor.time, "time", lambda: datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    assert found(doctor.clock(data, NOW.timestamp())) == ("clock-apart", "warn")


@pytest.mark.parametrize(
    ("note", "code", "state"),
    [
        (json.dumps({"at": (NOW - timedelta(days=1)).isoformat(), "file": "x"}), "backup", "ok"),
        (json.dumps({"at": "2026-11-24T08:00:00Z", "file": "x"}), "backup", "ok"),
        (json.dumps({"at": "2026-11-24T08:00:00", "file": "x"}), "backup", "ok"),
        (json.dumps({"at": (NOW - timedelta(days=9)).isoformat(), "file": "x"}), "backup-old", "warn"),
        (json.dumps({"at": (NOW + timedelta(days=9)).isoformat(), "file": "x"}), "backup-ahead", "warn"),
        ("{", "backup-unreadable", "warn"),
        ("[]", "backup-unreadable", "warn"),
        ('{"file": "x"}', "backup-unreadable", "warn"),
        (None, "no-backup", "warn"),
    ],
)
def test_backup(data, note, code, state):
    if note is not None:
        (data / "last_backup.json").write_text(note)
    assert found(doctor.backup(data, NOW)) == (code, state)


# -- databases and broker ---------------------------------------------------------------------------------------------


def test_sqlite(data):
    import sqlite3

    config, file = Config(data=data, database_url=""), data / "closeknit.sqlite3"
    assert found(doctor.database(config)) == ("no-database", "warn") and not file.exists()
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE one (a INTEGER PRIMARY KEY, b BLOB)")
    connection.executemany("INSERT INTO one (b) VALUES (?)", [(os.urandom(900),) for _ in range(200)])
    connection.commit()
    assert found(doctor.database(config)) == ("database", "ok")
    connection.close()
    assert found(doctor.database(config)) == ("database", "ok")
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:])
    assert found(doctor.database(config)) == ("database-damaged", "bad")
    file.write_bytes(b"not a database at all " * 400)
    assert found(doctor.database(config)) == ("database-damaged", "bad")
    file.unlink()
    file.mkdir()
    assert found(doctor.database(config)) == ("database-away", "bad")


@pytest.mark.live
def test_postgresql(data):
    away = Config(data=data, database_url=f"postgres://closeknit:a-word@127.0.0.1:{free_port()}/closeknit")
    row = doctor.database(away)
    assert found(row) == ("database-away", "bad") and "a-word" not in " ".join(row)
    for fsync, expected in (("on", ("database", "ok")), ("off", ("database-careless", "bad"))):
        server = Postgres.start(fsync=fsync)
        try:
            config = Config(data=data, database_url=server.url("closeknit"))
            assert found(doctor.database(config)) == expected
            assert abs(doctor.database_time(config) - time.time()) < 5
            with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
                connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
            latin = Config(data=data, database_url=server.url("latin"))
            assert found(doctor.database(latin)) == ("database-encoding", "bad")
        finally:
            server.stop()
    assert doctor.database_time(Config(data=data, database_url="")) is None


@pytest.mark.django_db
def test_tables(tmp_path):
    handler = ConnectionHandler({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "x.sqlite3"}})
    connection = handler["default"]
    recorder = MigrationRecorder(connection)
    assert found(doctor.tables(connection)) == ("tables-behind", "bad")
    recorder.ensure_schema()
    for app, name in health.known_migrations():
        recorder.record_applied(app, name)
    assert found(doctor.tables(connection)) == ("tables", "ok")
    recorder.record_unapplied("moments", "0001_initial")
    assert found(doctor.tables(connection)) == ("tables-behind", "bad")
    recorder.record_applied("moments", "9999_later")
    assert found(doctor.tables(connection)) == ("tables-ahead", "bad")
    connection.close()


@pytest.mark.live
def test_broker(data):
    assert found(doctor.broker(Config(data=data))) == ("broker", "ok")
    assert found(doctor.broker(Config(data=data, redis_url=f"redis://127.0.0.1:{free_port()}/0"))) == (
        "broker-away",
        "bad",
    )
    assert found(doctor.broker(Config(data=data, redis_url="nonsense"))) == ("broker-away", "bad")
    server = Redis.start()
    try:
        row = doctor.broker(Config(data=data, redis_url=server.url))
        assert found(row) == ("broker", "ok") and "answers" in row.says
    finally:
        server.stop()


# -- the way in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "code", "state"),
    [
        ({}, "proxy", "ok"),
        ({"url": PUBLIC}, "proxy-unknown", "warn"),
        ({"url": PUBLIC, "trusted_proxies": "127.0.0.1, 10.89.0.0/24"}, "proxy", "ok"),
        ({"url": PUBLIC, "trusted_proxies": "caddy"}, "proxy-unreadable", "warn"),
        ({"url": PUBLIC, "trusted_proxies": "*"}, "proxy", "ok"),
        ({"url": PUBLIC, "trusted_proxies": "*", "host": "0.0.0.0"}, "proxy-anyone", "bad"),
    ],
)
def test_proxy(data, values, code, state):
    assert found(doctor.proxy(Config(data=data, **values))) == (code, state)


class Answer(http.server.BaseHTTPRequestHandler):
    """A public address that answers as it is told."""

    status, word, hsts = 200, b"ok", True

    def do_GET(self) -> None:
        assert self.path == "/healthz"
        self.send_response(self.status)
        if self.hsts:
            self.send_header("Strict-Transport-Security", "max-age=1")
        self.end_headers()
        self.wfile.write(self.word)

    def log_message(self, *_args: object) -> None:
        """Nothing on the screen."""


@pytest.fixture
def public(tmp_path):
    """An https server on localhost, its certificate good for 90 days, and a context that believes it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-keyout", str(key)]
    command += ["-out", str(certificate), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    handler = type("Handler", (Answer,), {})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler, f"https://localhost:{server.server_port}", ssl.create_default_context(cafile=str(certificate))
    server.shutdown()
    server.server_close()


def test_tls_asks_nobody_unless_told_to(data):
    assert found(doctor.tls(Config(data=data), online=True)) == ("tls", "ok")
    row = doctor.tls(Config(data=data, url="https://closeknit.invalid"), online=False)
    assert found(row) == ("tls", "ok") and "--online" in row.mend


def test_tls_online(data, public):
    handler, url, context = public
    config = Config(data=data, url=url)

    def look(**more) -> tuple[str, str]:
        return found(doctor.tls(config, online=True, context=context, **more))

    row = doctor.tls(config, online=True, context=context)
    assert found(row) == ("tls", "ok") and re.search(r"(89|90) days", row.says)
    assert look(now=time.time() + 80 * 86400) == ("certificate-ends", "warn")
    handler.hsts = False
    assert look() == ("no-hsts", "warn")
    handler.status, handler.word = 503, b"tables-behind"
    assert look() == ("health-not-ok", "bad")
    handler.status, handler.word = 200, b"Welcome to another program"
    assert look() == ("health-not-ok", "bad")
    assert found(doctor.tls(config, online=True)) == ("tls-unbelieved", "bad")


def test_tls_online_when_nothing_is_there(data, monkeypatch):
    closed = Config(data=data, url=f"https://localhost:{free_port()}")
    assert found(doctor.tls(closed, online=True)) == ("address-away", "bad")
    assert found(doctor.tls(Config(data=data, url="https://a..b"), online=True)) == ("name-unknown", "bad")

    def unknown(*_args: object) -> None:
        raise doctor.socket.gaierror

    # Asking a real name server would leave this machine.
    monkeypatch.setattr(doctor.socket, "getaddrinfo", unknown)
    assert found(doctor.tls(Config(data=data, url=PUBLIC), online=True)) == ("name-unknown", "bad")


# -- what the program brings ------------------------------------------------------------------------------------------


def test_content(tmp_path):
    assert found(doctor.content(content_root())) == ("content", "ok")
    packs = shutil.copytree(content_root(), tmp_path / "content")
    for broken in (packs / "en" / "prompts" / "starting.yaml", packs / "en" / "dialogues" / "calm.yaml"):
        whole = broken.read_text("utf-8")
        broken.write_text(whole + "\n- nonsense: [\n", "utf-8")
        assert found(doctor.content(packs)) == ("content-broken", "bad")
        broken.write_text(whole, "utf-8")
    assert found(doctor.content(packs)) == ("content", "ok")


def test_passphrases():
    row = doctor.passphrases(limit_ms=60_000)
    assert found(row) == ("passphrases", "ok") and "here: 3" in row.says
    assert found(doctor.passphrases(limit_ms=0)) == ("passphrases-slow", "warn")


# -- the command ------------------------------------------------------------------------------------------------------


def run(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLOSEKNIT_", "DJANGO_"))}
    env |= {"CLOSEKNIT_DATA": str(data), "PYTHONPATH": str(ROOT / "src"), **environment}
    command = [sys.executable, "-m", "closeknit.cli", "doctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=data.parent, check=False)


@pytest.mark.live
def test_the_command_beside_a_running_server_and_after_it(tmp_path):
    data = tmp_path / "data"
    server = Server.start(data)
    try:
        beside = run(data, "--json")
    finally:
        server.stop()
    after = run(data, "--json")
    for one in (beside, after):
        told = json.loads(one.stdout)
        states = {row["code"]: row["state"] for row in told["rows"]}
        assert one.returncode == 0 and told["fine"] is True and one.stderr == ""
        assert states["tables"] == states["database"] == states["folder"] == states["secret"] == "ok"
        assert {code for code, state in states.items() if state == "warn"} <= {"no-backup", "passphrases-slow"}
    (data / "closeknit.sqlite3").write_bytes(b"not a database at all " * 400)
    broken = run(data)
    assert broken.returncode == 1 and "database-damaged" in broken.stdout and "To do" in broken.stdout


def test_the_command_makes_nothing_and_names_unsafe_settings(tmp_path):
    unsafe = run(tmp_path / "none", CLOSEKNIT_HOST="0.0.0.0")
    assert unsafe.returncode == 1 and "no-tls" in unsafe.stdout and "127.0.0.1" in unsafe.stdout
    new = run(tmp_path / "none", "--json")
    assert new.returncode == 0 and not (tmp_path / "none").exists()


def test_every_code_is_in_the_hosting_guide():
    guide = (ROOT / "docs" / "hosting.md").read_text("utf-8")
    source = (ROOT / "src" / "closeknit" / "web" / "doctor.py").read_text("utf-8")
    codes = {code for code, state in re.findall(r'Row\("([a-z-]+)", ("\w+"|state)', source) if state != '"ok"'}
    assert len(codes) > 30
    assert not {code for code in codes if f"`{code}`" not in guide}
