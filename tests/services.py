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
from dataclasses import dataclass
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
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": fsync, "port": str(port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [program("postgres"), "-D", str(data), *options, "-c", "max_connections=200"]
        process = subprocess.Popen(command, **quiet, **who)
        one = cls(folder, port, process)
        one._wait()
        return one

    def _wait(self) -> None:
        import psycopg

        for _attempt in range(100):
            try:
                with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                    connection.execute("CREATE DATABASE closeknit")
                return
            except psycopg.OperationalError:
                time.sleep(0.1)
        raise RuntimeError("PostgreSQL did not start")

    def url(self, name: str) -> str:
        return f"postgres://closeknit@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> str:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def pause(self) -> None:
        """End the server at once, as a crash would; its data stays."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(10)

    def resume(self) -> None:
        """Start it again on the same data and port."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        self.process = subprocess.Popen(self.process.args, **quiet, **_as_postgres())

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

    @classmethod
    def start(cls, data: Path, *, port: int | None = None, command: tuple[str, ...] = (), **environment: str) -> Server:
        port = port or free_port()
        log = data.parent / f"server-{port}.log"
        env = {k: v for k, v in os.environ.items() if not k.startswith("CLOSEKNIT_") and k != "DJANGO_SETTINGS_MODULE"}
        env |= {f"CLOSEKNIT_{name.upper()}": value for name, value in environment.items()}
        if not command:
            env["PYTHONPATH"] = str(ROOT / "src")
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
        one = cls(port, process, log)
        one._wait()
        return one

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _wait(self) -> None:
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
