"""`closeknit doctor`: one small look at each thing that a host can get wrong, and what to do about it.

Each check takes what it looks at and returns a Row. Nothing here writes to the database, and nothing asks the network
but the database and broker in the settings, unless the host says `--online`. No row holds a secret or a member's name.
"""

from __future__ import annotations

import difflib
import http.client
import ipaddress
import json
import os
import shutil
import socket
import sqlite3
import ssl
import stat
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urlsplit

from closeknit.web import config as settings
from closeknit.web.config import Config

State = Literal["ok", "warn", "bad"]
GIB = 1024**3
LIMIT_MS = 400
BACKUP_DAYS = 8
CERTIFICATE_DAYS = 14
#: Where SQLite's locks and its shared memory cannot be relied on.
NETWORK_FOLDERS = {"9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"}


class Row(NamedTuple):
    """What one check found, and what to do."""

    code: str
    state: State
    says: str
    mend: str = "Nothing to do."


# -- the settings and the folder: before anything is opened ------------------------------------------------------------


def settings_safe(environ: Mapping[str, str]) -> list[Row]:
    """Whether the settings go together, and whether one is misspelt, which would otherwise pass in silence."""
    try:
        settings.load()
    except settings.Unsafe as error:
        return [Row(problem.code, "bad", problem.says, problem.mend) for problem in error.problems]
    known = {f"{settings.PREFIX}{name.upper()}" for name in Config.model_fields}
    known |= {f"{settings.PREFIX}{name.upper()}_FILE" for name in settings.SECRET_FILES} | {f"{settings.PREFIX}CONFIG"}
    strange = sorted(name for name in environ if name.upper().startswith(settings.PREFIX) and name.upper() not in known)
    if strange:
        ends = [name.removeprefix(settings.PREFIX) for name in known]
        near = difflib.get_close_matches(strange[0].upper().removeprefix(settings.PREFIX), ends, 1)
        mend = f"Did you mean {settings.PREFIX}{near[0]}?" if near else "Remove it; docs/settings.md lists what there is."
        return [Row("unknown-setting", "warn", f"{', '.join(strange)}: no such setting, so it does nothing.", mend)]
    return [Row("settings", "ok", "They are safe together.")]


def _who(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _files(data: Path) -> dict[str, os.stat_result]:
    """The files beside the database. Beside a running server some vanish between a list and a look."""
    found = {}
    for file in data.iterdir():
        with suppress(FileNotFoundError):
            found[file.name] = file.lstat()
    return found


def folder(data: Path, user: int) -> Row:
    """Whether the data folder is this user's and closed to others."""
    if not data.exists():
        return Row("no-folder", "warn", f"{data} does not exist yet.", "`closeknit serve` makes it.")
    owner = data.stat().st_uid
    if owner != user:
        mend = f"Run Closeknit, and this, as {_who(owner)}; or: chown -R {_who(user)} {data}"
        return Row("other-user", "bad", f"The data folder belongs to {_who(owner)}, and this is {_who(user)}.", mend)
    strays = [name for name, file in _files(data).items() if file.st_uid != owner]
    if strays:
        mend = f"Something was run as another user. Run: chown -R {_who(owner)} {data}"
        return Row("stray-owner", "bad", f"In the data folder, {', '.join(sorted(strays)[:3])} is another user's.", mend)
    mode = data.stat().st_mode
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        state: State = "bad" if mode & (stat.S_IWGRP | stat.S_IWOTH) else "warn"
        return Row("open-folder", state, "Others on this machine can look into the data folder.", f"chmod 700 {data}")
    return Row("folder", "ok", "The data folder is this user's alone.")


def secrets_closed(config: Config, environ: Mapping[str, str]) -> Row:
    """Whether the secret key is there, long enough, and no file with a secret lies open. config refuses an open key."""
    named = [f"{settings.PREFIX}CONFIG", *(f"{settings.PREFIX}{name.upper()}_FILE" for name in settings.SECRET_FILES)]
    files = [Path(environ[name]) for name in named if environ.get(name)]
    # Containers lay secrets out readable, in a place that only the container sees.
    files = [file for file in files if file.exists() and not file.is_relative_to("/run/secrets")]
    if opened := [file for file in files if file.stat().st_mode & stat.S_IRWXO]:
        mend = f"chmod o-rwx {opened[0]}"
        return Row("open-settings", "warn", f"Everybody on this machine can read {opened[0]}.", mend)
    key = config.data / "secret_key"
    if not config.secret_key and not key.exists():
        return Row("no-secret", "warn", "There is no secret key yet.", "`closeknit serve` makes one.")
    if len(config.secret_key or key.read_text("utf-8").strip()) < settings.LEAST_SECRET_CHARACTERS:
        mend = "Stop the server, delete secret_key in the data folder and start again: a new one is made. All sign in anew."
        return Row("weak-secret", "bad", "The secret key is too short.", mend)
    return Row("secret", "ok", "The secret key is there and closed.")


def disk(data: Path, *, low: int = GIB, full: int = GIB // 5) -> Row:
    """Whether there is room. `low` and `full` are bytes left."""
    place = next(one for one in (data, *data.absolute().parents) if one.exists())
    left = shutil.disk_usage(place).free
    says = f"{left / GIB:.1f} GiB are left where the data folder is."
    mend = "Make room: a full disk stops every write. Old backups are often the largest thing."
    if left < full:
        return Row("disk-full", "bad", says, mend)
    return Row("disk-low", "warn", says, mend) if left < low else Row("disk", "ok", says)


def file_system(data: Path, mounts: str) -> Row:
    """Whether the data folder lies on a disk of this machine. `mounts` is the text of /proc/self/mounts."""
    where, kind = "", ""
    for line in mounts.splitlines():
        _device, point, found, *_rest = line.split()
        point = point.replace("\\040", " ")
        if data.resolve().is_relative_to(point) and len(point) >= len(where):
            where, kind = point, found
    if kind in NETWORK_FOLDERS:
        mend = "Move the data folder to a disk of this machine, or use PostgreSQL (CLOSEKNIT_DATABASE_URL)."
        return Row("network-folder", "bad", f"The data folder is on a network ({kind}); SQLite can break there.", mend)
    return Row("file-system", "ok", "The data folder is on a disk of this machine.")


def clock(data: Path, now: float, database_now: float | None = None) -> Row:
    """Whether the time is believable, and the same for this program, the data folder and the database."""
    mend = "Let the machine set its clock: timedatectl set-ntp true"
    if not 2026 <= datetime.fromtimestamp(now, UTC).year < 2100:
        return Row("clock-wrong", "bad", f"This machine believes it is {datetime.fromtimestamp(now, UTC):%Y}.", mend)
    try:
        with tempfile.NamedTemporaryFile(dir=data, prefix=".doctor-") as file:
            apart = abs(os.fstat(file.fileno()).st_mtime - time.time())
        newest = max((file.st_mtime for file in _files(data).values()), default=now)
    except OSError as error:
        mend = f"Look whether the disk is full or mounted read-only, and who owns {data}."
        return Row("folder-closed", "bad", f"Nothing can be written to the data folder: {error.strerror}.", mend)
    if apart > 5:
        return Row("clock-apart", "warn", f"The data folder's clock and this one are {apart:.0f} s apart.", mend)
    if database_now is not None and abs(database_now - now) > 5:
        says = f"The database's clock and this one are {abs(database_now - now):.0f} s apart."
        return Row("clock-apart", "warn", says, mend)
    if newest > now + 300:
        return Row("clock-back", "warn", "A file in the data folder is from the future: the clock has gone back.", mend)
    return Row("clock", "ok", "The time is believable, and the same everywhere.")


def backup(data: Path, now: datetime, *, days: float = BACKUP_DAYS) -> Row:
    """How long ago the last backup was, by the note that it leaves in the data folder."""
    mend = "Run `closeknit backup`, and let a timer do it from then on: docs/hosting.md."
    try:
        at = datetime.fromisoformat(json.loads((data / "last_backup.json").read_text("utf-8"))["at"])
        age = now - (at if at.tzinfo else at.replace(tzinfo=UTC))
    except FileNotFoundError:
        return Row("no-backup", "warn", "No backup has been made.", mend)
    except (OSError, ValueError, KeyError, TypeError):
        return Row("backup-unreadable", "warn", "The note of the last backup cannot be read.", mend)
    if age.total_seconds() < -300:
        return Row("backup-ahead", "warn", "The last backup says it is from the future.", "Look at the clock, then back up.")
    if age.total_seconds() > days * 86400:
        return Row("backup-old", "warn", f"The last backup is {age.days} days old.", mend)
    return Row("backup", "ok", f"The last backup is of {(now - age):%Y-%m-%d %H:%M} UTC.")


# -- the database, the broker -------------------------------------------------------------------------------------------


def database(config: Config) -> Row:
    """Whether the database answers and is whole. Reads only; makes nothing."""
    return _postgres(config.database_url) if config.database_url else _sqlite(config.data / settings.DATABASE_FILE)


def _sqlite(file: Path) -> Row:
    mend = "Stop the server, keep the damaged files aside, and restore the newest backup: docs/backup.md."
    if not file.exists():
        return Row("no-database", "warn", "There is no database yet.", "`closeknit serve` makes it.")
    try:
        connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True, timeout=5)
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        mend = "Look at the rights of the data folder and whether another program holds the file."
        return Row("database-away", "bad", f"SQLite's file cannot be opened ({error.sqlite_errorname}).", mend)
    except sqlite3.DatabaseError as error:
        return Row("database-damaged", "bad", f"SQLite's file is damaged ({error.sqlite_errorname}).", mend)
    if found != "ok":
        return Row("database-damaged", "bad", "SQLite's file is damaged inside.", mend)
    return Row("database", "ok", "SQLite answers and its file is whole.")


def _postgres(url: str) -> Row:
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            version = connection.info.server_version // 10000
            encoding, careful, pages = (
                str(connection.execute(f"SHOW {name}").fetchone()[0])  # type: ignore[index,arg-type]
                for name in ("server_encoding", "fsync", "full_page_writes")
            )
            damage = "SELECT coalesce(sum(checksum_failures), 0) FROM pg_stat_database"
            (damaged,) = connection.execute(damage).fetchone() or (0,)
    except psycopg.Error as error:
        mend = "Look whether PostgreSQL runs, and at CLOSEKNIT_DATABASE_URL."
        return Row("database-away", "bad", f"PostgreSQL does not answer ({type(error).__name__}).", mend)
    if version < 14:
        return Row("database-old", "bad", f"PostgreSQL {version} is too old.", "Bring it to 14 or newer.")
    if encoding != "UTF8":
        mend = "Make a database with ENCODING 'UTF8' and move the data there."
        return Row("database-encoding", "bad", f"The database keeps text as {encoding}.", mend)
    if damaged:
        mend = "Pages on its disk are damaged. Back up what can be read, look at the disk, restore the newest good backup."
        return Row("database-damaged", "bad", f"PostgreSQL counted {damaged} damaged pages.", mend)
    if "off" in {careful, pages}:
        mend = "Set fsync = on and full_page_writes = on in postgresql.conf, and restart it."
        return Row("database-careless", "bad", "After a power cut PostgreSQL could lose what it had accepted.", mend)
    return Row("database", "ok", f"PostgreSQL {version} answers.")


def database_time(config: Config) -> float | None:
    """What a database server believes the time is; None for SQLite, which has no clock of its own."""
    if not config.database_url:
        return None
    import psycopg

    with psycopg.connect(config.database_url, connect_timeout=3) as connection:
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
    return float(row[0]) if row else None


def tables(connection: Any) -> Row:
    """Whether the tables are those of this program."""
    from closeknit.web.health import schema_gap

    behind, ahead = schema_gap(connection)
    if ahead:
        mend = "Install the newer program again. Tables are never taken back."
        return Row("tables-ahead", "bad", "A newer Closeknit has changed these tables.", mend)
    if behind:
        mend = "Back up, then start `closeknit serve`: it brings them up."
        return Row("tables-behind", "bad", f"The tables lack {len(behind)} steps.", mend)
    return Row("tables", "ok", "The tables are those of this program.")


def broker(config: Config) -> Row:
    """Whether Redis answers, where it is used."""
    if not config.redis_url:
        return Row("broker", "ok", "One web process needs no broker.")
    import redis

    try:
        client = redis.Redis.from_url(config.redis_url, socket_timeout=2, socket_connect_timeout=2)
        try:
            client.ping()
        finally:
            client.close()
    except (redis.RedisError, ValueError) as error:
        mend = "Look whether Redis runs, and at CLOSEKNIT_REDIS_URL. Pages still work; open ones hear of news late."
        return Row("broker-away", "bad", f"Redis does not answer ({type(error).__name__}).", mend)
    return Row("broker", "ok", "Redis answers.")


# -- the way in from outside ----------------------------------------------------------------------------------------------


def _unreadable(proxies: Iterable[str]) -> list[str]:
    wrong = []
    for one in proxies:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            wrong.append(one)
    return wrong


def proxy(config: Config) -> Row:
    """Whether the reverse proxy is believed, and nobody else."""
    name = "CLOSEKNIT_TRUSTED_PROXIES"
    proxies = [one.strip() for one in config.trusted_proxies.split(",") if one.strip()]
    if not config.is_https:
        return Row("proxy", "ok", "Only this machine can reach it; no proxy is needed.")
    if not proxies:
        says = "All visitors seem to come from one address, so one person's wrong passphrases slow everybody."
        return Row("proxy-unknown", "warn", says, f"Set {name} to the proxy's address, such as 127.0.0.1.")
    if "*" in proxies and not settings.loopback(config.host):
        says = "Anyone who reaches the port can claim any address."
        return Row("proxy-anyone", "bad", says, f"Set {name} to the proxy's own address.")
    if wrong := _unreadable(one for one in proxies if one != "*"):
        says = f"{wrong[0]} is no address or network, so it is never believed."
        return Row("proxy-unreadable", "warn", says, f"Write {name} as addresses, such as 127.0.0.1 or 10.0.0.0/24.")
    return Row("proxy", "ok", "The proxy's headers are believed, and nobody else's.")


def tls(config: Config, *, online: bool, context: ssl.SSLContext | None = None, now: float | None = None) -> Row:
    """Whether the public address answers, with a certificate that browsers believe. Asks only when `online`."""
    if not config.is_https:
        return Row("tls", "ok", "Nothing leaves this machine, so no certificate is needed.")
    if not online:
        mend = f"`closeknit doctor --online` asks {config.origin}/healthz and reads the certificate."
        return Row("tls", "ok", "Not looked at, since that would use the network.", mend)
    parts = urlsplit(config.origin)
    line = http.client.HTTPSConnection(
        config.hostname, parts.port or 443, timeout=8, context=context or ssl.create_default_context()
    )
    try:
        line.connect()
        certificate = line.sock.getpeercert() or {}
        line.request("GET", "/healthz")
        answer = line.getresponse()
        status, word, hsts = answer.status, answer.read(40), answer.getheader("Strict-Transport-Security")
    except ssl.SSLCertVerificationError as error:
        mend = "Look at the proxy's log: it could not get, or renew, a certificate for this name."
        return Row("tls-unbelieved", "bad", f"Browsers will not believe it: {error.verify_message}.", mend)
    except (socket.gaierror, UnicodeError):
        return Row("name-unknown", "bad", f"No address is known for {config.hostname}.", "Set its DNS record.")
    except (OSError, http.client.HTTPException) as error:
        mend = (
            "Look whether the proxy runs and ports 80 and 443 are let through. Some home routers cannot reach themselves "
            "from inside: try with a phone off the Wi-Fi."
        )
        return Row("address-away", "bad", f"{config.origin} does not answer ({type(error).__name__}).", mend)
    finally:
        line.close()
    if status != 200 or word != b"ok":
        mend = "Look whether Closeknit runs, and whether the proxy passes /healthz on to it."
        says = f"{config.origin}/healthz answers {status}, not ok."
        return Row("health-not-ok", "bad", says, mend)
    days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - (now or time.time())) / 86400
    if days < CERTIFICATE_DAYS:
        mend = "A proxy renews a month ahead. Look at its log for why it did not."
        return Row("certificate-ends", "warn", f"The certificate ends in {days:.0f} days.", mend)
    if not hsts:
        mend = "Let the proxy add Strict-Transport-Security: see deploy/Caddyfile or deploy/nginx.conf."
        return Row("no-hsts", "warn", "A browser may still try the address without TLS.", mend)
    return Row("tls", "ok", f"{config.origin} answers; its certificate is good for {days:.0f} days.")


# -- what the program brings ------------------------------------------------------------------------------------------------


def content(root: Path) -> Row:
    """Whether the content packs are whole."""
    from closeknit.method.content import check, merged
    from closeknit.method.scripts import check_scripts
    from closeknit.web.content import check_coach

    report = merged(check(root), check_scripts(root), check_coach(root))
    if report.problems:
        says = f"The content packs have {len(report.problems)} problems."
        return Row("content-broken", "bad", says, "`closeknit content check` names each.")
    return Row("content", "ok", "The content packs are whole.")


def coach(config: settings.Config) -> Row:
    """Whether the coach's model is there, whole, and the one that was packaged."""
    from closeknit.coach.reader import ModelError, Reader

    if not config.coach:
        return Row("coach-off", "ok", "The coach is switched off.")
    try:
        Reader().read("It works.")
    except ModelError as error:
        mend = "Install Closeknit again, or set CLOSEKNIT_COACH=false."
        return Row("no-coach", "bad", f"The coach cannot read: {error}.", mend)
    return Row("coach", "ok", "The coach reads.")


def passphrases(limit_ms: float = LIMIT_MS) -> Row:
    """What trying one passphrase costs here, and the largest profile within the limit. Advice: nothing is set by it."""
    from closeknit.vault.passphrase import DEFAULT_PROFILE, PROFILES, passphrase_key

    took = {}
    for number in PROFILES:
        started = time.perf_counter()
        passphrase_key("a sentence to measure with", b"0" * 16, number)
        took[number] = (time.perf_counter() - started) * 1000
    fitting = [number for number, ms in took.items() if ms < limit_ms]
    says = f"Trying a passphrase takes {took[DEFAULT_PROFILE]:.0f} ms (profile {DEFAULT_PROFILE})."
    if DEFAULT_PROFILE not in fitting:
        mend = "Signing in is slow here; nothing is unsafe. Give the machine more memory, or a quieter neighbour."
        return Row("passphrases-slow", "warn", says, mend)
    return Row("passphrases", "ok", f"{says} The largest profile under {limit_ms:.0f} ms here: {max(fitting)}.")


# -- all of it --------------------------------------------------------------------------------------------------------------


def examine(environ: Mapping[str, str], *, online: bool = False) -> list[Row]:
    """Every check, in the order in which a host would mend things."""
    rows = settings_safe(environ)
    if any(row.state == "bad" for row in rows):
        return rows
    config = settings.load()
    if hasattr(os, "geteuid"):
        rows.append(folder(config.data, os.geteuid()))
    rows += [secrets_closed(config, environ), disk(config.data)]
    mounts = Path("/proc/self/mounts")
    if not config.database_url and mounts.exists():
        rows.append(file_system(config.data, mounts.read_text("utf-8", "replace")))
    found = database(config)
    rows.append(found)
    there = found.state == "ok"
    if there and config.data.exists():
        import django
        from django.db import connection

        django.setup()
        try:
            rows.append(tables(connection))
        finally:
            connection.close()
    if config.data.exists():
        rows.append(clock(config.data, time.time(), database_time(config) if there else None))
        rows.append(backup(config.data, datetime.now(UTC)))
    from closeknit.web.content import content_root

    rows += [broker(config), proxy(config), tls(config, online=online), passphrases()]
    return [*rows, content(content_root()), coach(config)]
