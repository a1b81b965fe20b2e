"""Settings: typed, from the environment or one file, secrets also from files. Each is described in docs/settings.md."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "CLOSEKNIT_"
SECRET_FILES = ("secret_key", "database_url", "redis_url")
LEAST_SECRET_CHARACTERS = 50
#: Lies in the data folder while a restore is under way.
RESTORING = "restoring"
#: The database of a place without a server of its own, in its data folder.
DATABASE_FILE = "closeknit.sqlite3"


class Config(BaseSettings):
    """Everything a host can set, as CLOSEKNIT_<NAME>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", env_file_encoding="utf-8")

    data: Path = Field(Path("data"), description="Folder for the database, the secret key and the job queue.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8040, ge=0, le=65535, description="Port to listen on.")
    url: str = Field("", description="Public address, such as https://closeknit.example; empty means this machine.")
    secret_key: str = Field("", description="Signs cookies. Made in the data folder if empty.", repr=False)
    database_url: str = Field("", description="postgres://user:word@host/name; empty means SQLite.", repr=False)
    redis_url: str = Field(
        "", description="redis://host:port/0 for several web processes; empty means one.", repr=False
    )
    processes: int = Field(1, ge=1, le=64, description="How many web processes share the work, on all machines.")
    # Few on purpose: threads of one Python share one core, and each more makes all of them wait longer at every turn.
    threads: int = Field(2, ge=2, le=128, description="Threads for pages in each web process.")
    trusted_proxies: str = Field("", description="Addresses of reverse proxies whose headers are believed, by comma.")
    coach: bool = Field(True, description="The coach: tips when asked, help in danger, rehearsals. Takes 200 MB when used.")
    debug: bool = Field(False, description="The style page at /style/. Only on this machine.")
    demo: bool = Field(False, description="Sample members in a throw-away folder; set by the demo command.")

    @field_validator("url")
    @classmethod
    def _origin(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError("write it like https://closeknit.example, without a path")
        return f"{parts.scheme}://{parts.netloc}"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], **sources: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (sources["init_settings"], sources["env_settings"], sources["dotenv_settings"])

    @property
    def origin(self) -> str:
        """The address that a browser uses."""
        return self.url or f"http://{self.host}:{self.port}"

    @property
    def hostname(self) -> str:
        return urlsplit(self.origin).hostname or "127.0.0.1"

    @property
    def is_https(self) -> bool:
        return self.origin.startswith("https://")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it: by the address listened on and by the public one."""
        return loopback(self.host) and loopback(self.hostname)


@dataclass(frozen=True, slots=True)
class Problem:
    """A combination that is not safe to start with."""

    code: str
    says: str
    mend: str


class Unsafe(Exception):
    """Raised at start, with every problem found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"[{p.code}] {p.says} {p.mend}" for p in problems))
        self.problems = problems


def loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def problems(config: Config) -> list[Problem]:
    """What is unsafe about these settings, each with its mend."""
    found = []
    if config.debug and not config.is_loopback:
        found.append(
            Problem("debug-in-public", "Debug pages would be public.", "Unset CLOSEKNIT_DEBUG or listen on 127.0.0.1.")
        )
    if not config.is_loopback and not config.is_https:
        mend = "Put a proxy with TLS in front and set CLOSEKNIT_URL=https://..., or listen on 127.0.0.1."
        found.append(Problem("no-tls", "Words and passphrases would cross the network in clear.", mend))
    if config.processes > 1 and not config.redis_url:
        mend = "Set CLOSEKNIT_REDIS_URL, or CLOSEKNIT_PROCESSES=1."
        found.append(Problem("no-broker", "Several processes would not hear of each other's pokes.", mend))
    if config.processes > 1 and not config.database_url:
        mend = "Set CLOSEKNIT_DATABASE_URL to PostgreSQL, or CLOSEKNIT_PROCESSES=1."
        found.append(Problem("sqlite-shared", "SQLite serves one web process.", mend))
    if config.demo and (config.database_url or not config.is_loopback):
        mend = "Run `closeknit demo` on its own; it makes a throw-away folder."
        found.append(Problem("demo-with-real-data", "The demo's passphrases are public.", mend))
    if config.secret_key and len(config.secret_key) < LEAST_SECRET_CHARACTERS:
        mend = f"Use {LEAST_SECRET_CHARACTERS} random characters or more, or unset it to have one made."
        found.append(Problem("short-secret", "CLOSEKNIT_SECRET_KEY can be guessed.", mend))
    if (config.data / RESTORING).exists():
        mend = f"Start from an empty folder and database, without the file `{RESTORING}`, and restore again."
        found.append(Problem("half-restored", "A restore into this place was not finished.", mend))
    key_file = config.data / "secret_key"
    if key_file.exists() and key_file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        found.append(
            Problem("open-secret", "Others on this machine can read the secret key.", f"Run: chmod 600 {key_file.name}")
        )
    return found


def _secrets_from_files(environ: dict[str, str]) -> dict[str, Any]:
    values = {}
    for name in SECRET_FILES:
        path = environ.get(f"{PREFIX}{name.upper()}_FILE")
        if path:
            values[name] = Path(path).read_text("utf-8").strip()
    return values


@cache
def load() -> Config:
    """The settings of this process. Raises Unsafe for values that are wrong or do not go together."""
    environ = dict(os.environ)
    try:
        file = environ.get(f"{PREFIX}CONFIG")
        config = Config(_env_file=file, **_secrets_from_files(environ))  # type: ignore[call-arg]
    except ValidationError as error:
        raise Unsafe(
            [
                Problem("bad-value", f"{PREFIX}{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}.", "Correct it.")
                for one in error.errors(include_input=False, include_url=False)
            ]
        ) from None
    except OSError as error:
        raise Unsafe([Problem("no-secret-file", "A secret's file cannot be read.", str(error.strerror))]) from None
    found = problems(config)
    if found:
        raise Unsafe(found)
    return config


def secret_key(config: Config) -> str:
    """The key that signs cookies: given, or made once in the data folder, readable by its owner alone.

    It appears whole or not at all, and of two that start at once the first one's is used by both.
    """
    if config.secret_key:
        return config.secret_key
    path = config.data / "secret_key"
    if not path.exists():
        config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(prefix=".secret_key-", dir=config.data)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
        Path(name).unlink()
    return path.read_text("utf-8").strip()
