"""Open streams in one server process: memory, poke delay, return after a cut; our application on each ASGI server,
beside django-eventstream and nchan in the same run.

Each stream of ours is a real signed-in session, checked against the database; the baselines check nothing. The delay runs
from just before the request that publishes is written to the moment the page has the poke, so it includes that request:
nchan can be poked in no other way. Servers take turns, `--rounds` times; the table shows the middle round.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from bench.common import cpu_seconds, machine, memory_kib, percentile, say, table, tree, write  # noqa: E402
from tests.services import free_port  # noqa: E402

PAGES_A_MEMBER = 2
#: (streams open, pokes a second)
STEPS = ((200, 100.0), (1000, 100.0), (4000, 200.0))
RETURNING = 2000
OURS = ("uvicorn", "hypercorn", "granian", "daphne")
BASELINES = ("eventstream", "nchan")
LONG = "30000"


@dataclass
class Target:
    """A server under measurement: how to start it, to open a page and to poke."""

    name: str
    command: list[str]
    opens: list[str]
    pokes: list[str]
    environment: dict[str, str]


def get(path: str, port: int, cookie: str = "") -> str:
    line = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n{line}\r\n"


def people(data: Path, streams: int) -> list[tuple[str, str]]:
    """(member, session key) for each stream, in a fresh database: signed in and unlocked, two devices a member."""
    script = "import sys, json; from bench.live import make_people; print(json.dumps(make_people(int(sys.argv[1]))))"
    environment = {**os.environ, "CLOSEKNIT_DATA": str(data), "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    command = [sys.executable, "-c", script, str(streams)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
    return [(member, key) for member, key in json.loads(done.stdout)]


def make_people(streams: int) -> list[tuple[str, str]]:
    """The rows that /live/ looks at, written straight to the tables. In a process of its own."""
    from datetime import timedelta

    os.environ["DJANGO_SETTINGS_MODULE"] = "closeknit.web.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.core.management import call_command

    from closeknit.web import clock
    from closeknit.web.members.keys import SESSION_NAME
    from closeknit.web.members.models import LOCK_MINUTES, Member

    call_command("migrate", verbosity=0, interactive=False)
    now, store = clock.now(), SessionStore()
    members = [
        Member(username=f"m{n}", password="!", public_key=bytes(32), lock_minutes=LOCK_MINUTES[-1])
        for n in range(-(-streams // PAGES_A_MEMBER))
    ]
    Member.objects.bulk_create(members)
    sessions, found = [], []
    for number in range(streams):
        member = members[number // PAGES_A_MEMBER]
        data = {
            SESSION_KEY: str(member.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: member.get_session_auth_hash(),
            # As long as a real one; /live/ looks at whether it is there, only a request's cookie can open it.
            SESSION_NAME: {"sid": str(uuid.uuid4()), "secret": "x" * 160, "drop": "x" * 160, "seen": now.timestamp()},
        }
        key = uuid.uuid4().hex
        sessions.append(Session(session_key=key, session_data=store.encode(data), expire_date=now + timedelta(days=1)))
        found.append((str(member.pk), key))
    Session.objects.bulk_create(sessions, batch_size=500)
    return found


def target(name: str, folder: Path, known: list[tuple[str, str]]) -> Target:
    port = free_port()
    bin_ = Path(sys.executable).parent
    app, where = "bench.live_app:application", ["--host", "127.0.0.1", "--port", str(port)]
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("CLOSEKNIT_")},
        "CLOSEKNIT_DATA": str(folder / "data"),
        "CLOSEKNIT_PORT": str(port),
        "DJANGO_SETTINGS_MODULE": "closeknit.web.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
        "MARK": str(port),
    }
    if name == "eventstream":
        del environment["DJANGO_SETTINGS_MODULE"]
    commands = {
        "uvicorn": [sys.executable, "-m", "bench.live_app"],
        "hypercorn": [
            *(str(bin_ / "hypercorn"), "-k", "uvloop", "-b", f"127.0.0.1:{port}", "--backlog", LONG),
            *("--keep-alive", "60", "--graceful-timeout", "4", app),
        ],
        "granian": [
            *(str(bin_ / "granian"), *where, "--interface", "asgi", "--loop", "uvloop", "--no-ws", "--log-level", "error"),
            *("--backlog", LONG, "--backpressure", LONG, "--workers-kill-timeout", "4", app),
        ],
        "daphne": [
            *(str(bin_ / "daphne"), "-v", "0", "-e", f"tcp:port={port}:interface=127.0.0.1:backlog={LONG}"),
            *("--application-close-timeout", "4", app),
        ],
        "eventstream": [
            *(str(bin_ / "uvicorn"), *where, "--backlog", LONG, "--no-access-log", "--log-level", "error"),
            *("--timeout-graceful-shutdown", "4", "bench.eventstream_app:application"),
        ],
        "nchan": [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(nginx_settings(folder, port))],
    }
    members = list(dict.fromkeys(member for member, _key in known))
    if name == "nchan":
        opens = [get(f"/sub/{member}", port) for member, _key in known]
        body = "{v}"
        stamp = f"Content-Length: 20\r\nContent-Type: text/plain\r\n\r\n{body}"
        pokes = [f"POST /pub/{member} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{stamp}" for member in members]
    elif name == "eventstream":
        opens = [get(f"/events/?channel={member}", port) for member, _key in known]
        pokes = [get(f"/bench/poke?{member}&{{v}}", port) for member in members]
    else:
        opens = [get("/live/", port, f"ck-session={key}; ck-csrf={key}; ck-key={key}") for _member, key in known]
        pokes = [get(f"/bench/poke?{member}&{{v}}", port) for member in members]
    return Target(name, commands[name], opens, pokes, environment)


def nginx_settings(folder: Path, port: int) -> Path:
    """A private nginx with nchan, one worker, nothing kept. Only its own folder is written."""
    here = folder / f"nginx-{port}"
    here.mkdir()
    quiet = "nchan_channel_id $1; nchan_store_messages off; nchan_eventsource_ping_interval 15;"
    text = f"""
    load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
    daemon off; worker_processes 1; pid {here}/pid; error_log {here}/error crit;
    worker_rlimit_nofile 20000;
    events {{ worker_connections 9500; }}
    http {{
      access_log off; keepalive_requests 1000000;
      {" ".join(f"{kind}_temp_path {here}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))}
      server {{
        listen 127.0.0.1:{port} backlog=4096;
        location ~ ^/sub/([0-9a-f-]+)$ {{ nchan_subscriber eventsource; {quiet} }}
        location ~ ^/pub/([0-9a-f-]+)$ {{ nchan_publisher; {quiet} }}
      }}
    }}"""
    (here / "conf").write_text(text)
    return here / "conf"


@contextmanager
def running(one: Target, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """(its process, its port); ended by its id, however the measurement ends."""
    port = int(one.environment["MARK"])
    with (folder / f"{one.name}-{port}.log").open("w") as log:
        process = subprocess.Popen(one.command, env=one.environment, stdout=log, stderr=log, cwd=folder)
    try:
        for _attempt in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise RuntimeError(f"{one.name} did not start: {Path(log.name).read_text()[-1500:]}")
            time.sleep(0.1)
        yield process, port
    finally:
        for pid in reversed(tree(process.pid)) if process.poll() is None else ():
            os.kill(pid, signal.SIGKILL)
        process.wait(10)


class Client:
    """The crowd in its own process."""

    def __init__(self, port: int) -> None:
        command = [sys.executable, "-m", "bench.live_client", str(port)]
        self.process = subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"do": do, **values}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline() or "{}")
        if not answer:
            raise RuntimeError("the client ended")
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)


def held(port: int) -> int:
    """How many streams our server still holds."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/bench/open", timeout=10) as answer:
        return int(answer.read())


def measure(one: Target, folder: Path, seconds: float) -> dict[str, Any]:
    """One server, from no stream to four thousand, a cut, a return, and the end."""
    row: dict[str, Any] = {"server": one.name, "steps": {}}
    with running(one, folder) as (process, port):
        client = Client(port)
        try:
            client.ask("poke", requests=one.pokes, rate=50, seconds=2, each=0)  # warm, so that growth is the streams'
            before = memory_kib(process.pid)
            opened, ramp, failed = 0, 0.0, 0
            for streams, rate in STEPS:
                answer = client.ask("open", requests=one.opens[opened:streams], at_once=100)
                opened, ramp, failed = streams, ramp + answer["seconds"], failed + answer["failed_tries"]
                if answer["open"] < streams:
                    row["stopped"] = f"{answer['open']} of {streams} streams opened"
                    return row
                client.ask("rest", seconds=1.0)
                if streams == STEPS[-1][0]:
                    row["kib_a_stream"] = round((memory_kib(process.pid) - before) / streams, 1)
                pokes = one.pokes[: streams // PAGES_A_MEMBER]
                used = cpu_seconds(process.pid)
                answer = client.ask("poke", requests=pokes, rate=rate, seconds=seconds, each=PAGES_A_MEMBER)
                delays = answer.pop("delays")
                row["steps"][streams] = {
                    "p50_ms": round(percentile(delays, 0.5), 2),
                    "p99_ms": round(percentile(delays, 0.99), 2),
                    "max_ms": round(max(delays, default=0), 1),
                    "cpu_s": round(cpu_seconds(process.pid) - used, 2),
                    **answer,
                }
            row |= {"ramp_s": round(ramp, 1), "failed_tries": failed, "base_mib": round(before / 1024)}
            client.ask("abort", count=RETURNING)
            if one.name in OURS:
                time.sleep(2.0)
                row["left_after_2s"] = held(port) - (STEPS[-1][0] - RETURNING)
            # The first of them anew: whether these very pages or others were cut makes no difference to the server.
            answer = client.ask("open", requests=one.opens[:RETURNING], at_once=RETURNING)
            row["return_s"], row["return_failed_tries"] = round(answer["seconds"], 2), answer["failed_tries"]
            started = time.monotonic()
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                pass
            row["end_s"] = round(time.monotonic() - started, 1)
        finally:
            client.close()
    return row


def middle(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Of several rounds of one server, the middle value of each figure; and the range of p99 with most streams."""
    first = rounds[0]
    if any("stopped" in one for one in rounds):
        return next(one for one in rounds if "stopped" in one)
    names = [name for name, value in first.items() if isinstance(value, int | float)]
    row = {"server": first["server"], **{name: round(statistics.median(one[name] for one in rounds), 2) for name in names}}
    row["steps"] = {
        step: {name: statistics.median(one["steps"][step][name] for one in rounds) for name in values}
        for step, values in first["steps"].items()
    }
    last = [one["steps"][STEPS[-1][0]]["p99_ms"] for one in rounds]
    row["p99_range_ms"] = [min(last), max(last)]
    return row


def report(rows: dict[str, dict[str, Any]]) -> None:
    """The one table: delays as p50 / p99 / max in milliseconds."""
    heads = ["server", "KiB a stream", "ramp s", *[f"{n} streams" for n, _rate in STEPS]]
    heads += ["CPU s", "lost", "left", "back s", "end s", "p99 ×eventstream", "p99 ×nchan"]
    most = STEPS[-1][0]

    def p99(name: str) -> float | None:
        step = rows.get(name, {}).get("steps", {}).get(most)
        return step["p99_ms"] if step else None

    cells = []
    for name, row in rows.items():
        if "stopped" in row:
            cells.append([name, row["stopped"], *[None] * (len(heads) - 2)])
            continue
        steps = [f"{s['p50_ms']:.2f} / {s['p99_ms']:.2f} / {s['max_ms']:.0f}" for s in row["steps"].values()]
        ratios = []
        for base in BASELINES:
            against = p99(base)
            row[f"p99_to_{base}"] = round(p99(name) / against, 2) if against else None  # type: ignore[operator]
            ratios.append(row[f"p99_to_{base}"])
        last = row["steps"][most]
        cells.append(
            [
                *(name, row["kib_a_stream"], row["ramp_s"], *steps, last["cpu_s"], last["lost"]),
                *(row.get("left_after_2s"), row["return_s"], row["end_s"], *ratios),
            ]
        )
    table(heads, cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--servers", nargs="+", default=[*OURS, *BASELINES], choices=[*OURS, *BASELINES])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of pokes at each number of streams")
    wanted = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else max(soft, 20000), hard))
    if "nchan" in wanted.servers and not Path("/usr/lib/nginx/modules/ngx_nchan_module.so").exists():
        say("nchan is not here (Debian: nginx libnginx-mod-nchan): left out")
        wanted.servers.remove("nchan")
    result: dict[str, Any] = {"machine": machine(), "rounds": wanted.rounds, "seconds": wanted.seconds}
    gathered: dict[str, list[dict[str, Any]]] = {name: [] for name in wanted.servers}
    with tempfile.TemporaryDirectory(prefix="closeknit-bench-") as name:
        folder = Path(name)
        # nginx's worker is another user's and looks into this folder.
        folder.chmod(0o755)
        say("making two thousand signed-in members")
        known = people(folder / "data", STEPS[-1][0])
        for number in range(wanted.rounds):
            for server in wanted.servers:
                say(f"round {number + 1} of {wanted.rounds}: {server}")
                row = measure(target(server, folder, known), folder, wanted.seconds)
                last = row["steps"].get(STEPS[-1][0], {})
                say(f"  {row.get('kib_a_stream')} KiB a stream, p99 {last.get('p99_ms')} ms, back in {row.get('return_s')} s")
                gathered[server].append(row)
    rows = {name: middle(rounds) for name, rounds in gathered.items()}
    report(rows)
    result |= {"load_after": round(os.getloadavg()[0], 1), "middle": rows, "all": gathered}
    write("live", result)


if __name__ == "__main__":
    main()
