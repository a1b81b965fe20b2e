"""Settings are typed and documented, and unsafe ones refuse to start and name the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from closeknit.web import config

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text("utf-8")


def test_every_setting_is_documented():
    for name in config.Config.model_fields:
        assert f"`CLOSEKNIT_{name.upper()}`" in DOCS, name


def test_every_problem_is_documented():
    import inspect

    source = inspect.getsource(config)
    import re

    for code in set(re.findall(r'Problem\(\s*"([a-z-]+)"', source)):
        assert f"`{code}`" in DOCS, code


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"host": "0.0.0.0"}, "no-tls"),
        ({"url": "http://closeknit.example"}, "no-tls"),
        ({"host": "0.0.0.0", "url": "https://closeknit.example", "debug": True}, "debug-in-public"),
        ({"processes": 2}, "no-broker"),
        ({"processes": 2, "redis_url": "redis://127.0.0.1/0"}, "sqlite-shared"),
        ({"demo": True, "database_url": "postgres://x/y"}, "demo-with-real-data"),
        ({"secret_key": "short"}, "short-secret"),
    ],
)
def test_unsafe_combinations_are_named_with_a_mend(values, code, tmp_path):
    found = {
        problem.code: problem
        for problem in config.problems(config.Config(data=tmp_path, **{"database_url": "", **values}))
    }
    assert code in found and found[code].mend


def test_a_readable_secret_is_refused(tmp_path):
    made = config.Config(data=tmp_path)
    config.secret_key(made)
    assert config.problems(made) == []
    (tmp_path / "secret_key").chmod(0o644)
    assert [problem.code for problem in config.problems(made)] == ["open-secret"]


def test_secrets_come_from_files_and_nonsense_stops(tmp_path, monkeypatch):
    secret = tmp_path / "word"
    secret.write_text("x" * 60 + "\n")
    monkeypatch.setenv("CLOSEKNIT_SECRET_KEY_FILE", str(secret))
    monkeypatch.setenv("CLOSEKNIT_DATA", str(tmp_path))
    config.load.cache_clear()
    assert config.load().secret_key == "x" * 60
    monkeypatch.setenv("CLOSEKNIT_PORT", "many")
    config.load.cache_clear()
    with pytest.raises(config.Unsafe) as caught:
        config.load()
    assert "CLOSEKNIT_PORT" in str(caught.value)
    config.load.cache_clear()
