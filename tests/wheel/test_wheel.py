"""The built wheel, in a clean environment: serves, signs up, signs in."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.http import PASSPHRASE, Browser
from tests.services import ROOT, Server

pytestmark = [pytest.mark.wheel]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "closeknit/content/en/prompts/starting.yaml" in names
    assert "closeknit/web/static/closeknit/look.css" in names and "closeknit/web/templates/base.html" in names
    assert not any(name.startswith(("tests/", "bench/")) for name in names)
    environment = folder / "clean"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "pip"), "install", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / "requirements.lock")], check=True)
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    return environment / "bin" / "closeknit"


def test_the_wheel_serves_signs_up_and_signs_in(installed, tmp_path):
    server = Server.start(tmp_path / "data", command=(str(installed),))
    try:
        browser = Browser(server)
        browser.sign_up("wheel")
        assert browser.ask("GET", "/bonds/new/")[0] == 200
        again = Browser(server)
        status, where = again.form("/sign-in/", "/sign-in/", login="wheel", password=PASSPHRASE)
        assert status == 302, where
    finally:
        server.stop()


def test_the_other_commands_answer(installed, tmp_path):
    import os

    env = {"PATH": os.environ["PATH"], "CLOSEKNIT_DATA": str(tmp_path / "data"), "HOME": str(tmp_path)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(installed), *arguments], capture_output=True, text=True, env=env, cwd=tmp_path)

    checked = run("content", "check", "--json")
    assert checked.returncode == 0
    report = json.loads(checked.stdout)
    # What a fresh installation carries; that the numbers are the right ones is the content's own test.
    assert report["problems"] == [] and all(report["counts"][kind] for kind in ("prompts", "scripts", "tips", "lessons"))
    assert "doctor" in run("--help").stdout
    looked = run("doctor", "--json")
    assert looked.returncode == 0 and '"fine": true' in looked.stdout and not (tmp_path / "data").exists()
    line = '{"id": 1, "text": "See you at six.", "reply_to": null}'
    command = [str(installed), "coach", "read", "--jsonl"]
    read = subprocess.run(command, input=line, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert read.returncode == 0 and '"reading"' in read.stdout and read.stderr == ""
    for name in ("serve", "worker", "demo"):
        assert run(name, "--help").returncode == 0
