"""Private servers for tests: PostgreSQL, Redis, and Closeknit itself, each on a free port, each ended by its id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def program(name: str) -> str:
    """A system program. A missing one fails the test run; it never skips."""
    found = shutil.which(name)
    if found:
        return found
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if not places:
        raise RuntimeError(f"{name} is missing; `make test` says which packages it needs")
    return str(places[0])


def _as_postgres() -> dict[str, int]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid}


@dataclass
class Postgres:
    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    fsync: str = "off"

    @classmethod
    def start(cls, *, fsync: str = "off") -> Postgres:
        folder = Path(tempfile.mkdtemp(prefix="closeknit-pg-"))
        who = _as_postgres()
        if who:
            os.chown(folder, who["user"], who["group"])
        data, port = folder / "data", free_port()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        initdb = [program("initdb"), "-D", str(data), "-U", "closeknit", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, **quiet, **who)
        one = cls(folder, port, cls._spawn(data, port, fsync), fsync)
        one._wait()
        one.create("closeknit")
        return one

    @staticmethod
    def _spawn(data: Path, port: int, fsync: str) -> subprocess.Popen[bytes]:
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": fsync, "port": str(port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [program("postgres"), "-D", str(data), *options, "-c", "max_connections=200"]
        return subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **_as_postgres()
        )

    def _wait(self) -> None:
        import psycopg

        for _attempt in range(100):
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise RuntimeError("PostgreSQL did not start")

    def settle(self, name: str = "closeknit") -> None:
        """Wait until nothing is under way in a database whose program was killed."""
        import psycopg

        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for _attempt in range(200):
                time.sleep(0.05)
                if connection.execute(busy, [name]).fetchone() == (0,):
                    return
        raise RuntimeError("the database did not come to rest")

    def down(self) -> None:
        """Stop at once, as a crash would, and keep the data: SIGQUIT is PostgreSQL's immediate shutdown."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(20)

    def up(self) -> None:
        """Start again on the same data and port."""
        self.process = self._spawn(self.folder / "data", self.port, self.fsync)
        self._wait()

    def url(self, name: str) -> str:
        return f"postgres://closeknit@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> str:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Redis:
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, port: int | None = None) -> Redis:
        port = port or free_port()
        command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/tmp")
        for _attempt in range(100):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    return cls(port, process)
            time.sleep(0.05)
        raise RuntimeError("Redis did not start")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@dataclass
class Server:
    """A real `closeknit serve` on a free port."""

    port: int
    process: subprocess.Popen[str]
    log: Path
    settings: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(cls, data: Path, *, port: int | None = None, command: tuple[str, ...] = (), **environment: str) -> Server:
        one = cls.spawn(data, port=port, command=command, **environment)
        one.wait()
        return one

    @classmethod
    def spawn(cls, data: Path, *, port: int | None = None, command: tuple[str, ...] = (), **environment: str) -> Server:
        """As `start`, without waiting until it answers."""
        port = port or free_port()
        log = data.parent / f"server-{port}.log"
        env = cls.environment(**environment)
        if command:
            del env["PYTHONPATH"]
        args = command or (sys.executable, "-m", "closeknit.cli")
        with log.open("a") as out:
            process = subprocess.Popen(
                [*args, "serve", "--port", str(port), "--data", str(data)],
                stdout=out,
                stderr=out,
                text=True,
                env=env,
                cwd=data.parent,
            )
        return cls(port, process, log, environment)

    @staticmethod
    def environment(**settings: str) -> dict[str, str]:
        """The environment of a process of ours with these settings and no others, on this working copy's source."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("CLOSEKNIT_") and k != "DJANGO_SETTINGS_MODULE"}
        # What is not about the coach goes without its trained model.
        settings = {"coach": "false"} | settings
        env |= {f"CLOSEKNIT_{name.upper()}": value for name, value in settings.items()}
        return env | {"PYTHONPATH": str(ROOT / "src")}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> None:
        for _attempt in range(300):
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.log.read_text()}")
            try:
                with urllib.request.urlopen(self.url + "/care/", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the server did not start: {self.log.read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(12)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
