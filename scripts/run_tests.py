"""`make test`: lint, then the whole suite on SQLite and on PostgreSQL, with every service it needs. Fails, never skips."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PACKAGES = {"chromium": "chromium", "redis-server": "redis-server", "initdb": "postgresql", "openssl": "openssl"}


def find(tool: str) -> str | None:
    """A system program, also where Debian keeps PostgreSQL's."""
    found = shutil.which(tool)
    if found:
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{tool}"), reverse=True)
    return str(versions[0]) if versions else None


def ensure_services() -> None:
    """Install the missing system packages where that is allowed; otherwise say which, and fail."""
    missing = [package for tool, package in PACKAGES.items() if find(tool) is None]
    if not missing:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {' '.join(missing)}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True, env=environment
        )
    still = [package for tool, package in PACKAGES.items() if find(tool) is None]
    if still:
        sys.exit(f"The tests need these system packages: {' '.join(still)}. Install them and run `make test` again.")


def step(name: str, command: list[str], **environment: str) -> None:
    """Run one step; stop at the first that fails."""
    print(f"\n== {name}", flush=True)
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False)
    print(f"== {name}: {time.monotonic() - started:.0f} s", flush=True)
    if done.returncode:
        sys.exit(f"{name} failed.")


def main() -> None:
    ensure_services()
    python = str(BIN / "python")
    pytest = [python, "-m", "pytest", "-q"]
    step("style", [str(BIN / "ruff"), "check", "."])
    step("types", [str(BIN / "mypy")])
    step("imports", [str(BIN / "lint-imports")])
    step("content", [python, "-m", "closeknit.cli", "content", "check"])
    # What asks no database runs once, below; what is live brings both databases of its own.
    once = [f"--ignore=tests/{room}" for room in ("method", "vault", "live")]
    step(
        "tests on PostgreSQL", [*pytest, "-n", "2", "-m", "not browser and not wheel", *once], CLOSEKNIT_TEST_DB="postgresql"
    )
    step("wheel", [*pytest, "-m", "wheel"])
    step("browser on PostgreSQL", [*pytest, "-m", "browser and both"], CLOSEKNIT_TEST_DB="postgresql")
    step("tests on SQLite", [*pytest, "-n", "2", "-m", "not browser and not wheel"], CLOSEKNIT_TEST_DB="sqlite")
    # Alone, one at a time: several people's browsers and a server are as much as two cores carry.
    step("browser on SQLite", [*pytest, "-m", "browser"], CLOSEKNIT_TEST_DB="sqlite")


if __name__ == "__main__":
    main()
