"""Loaded before anything of Django: where tests keep their data, and which database they use."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
DATA = Path(tempfile.mkdtemp(prefix="closeknit-test-"))
(DATA / "static").mkdir()
for _name in [name for name in os.environ if name.startswith("CLOSEKNIT_") and name != "CLOSEKNIT_TEST_DB"]:
    del os.environ[_name]
os.environ["CLOSEKNIT_DATA"] = str(DATA)
os.environ["DJANGO_SETTINGS_MODULE"] = "closeknit.web.settings"

from tests.services import Postgres  # noqa: E402

POSTGRES: Postgres | None = None
if os.environ.get("CLOSEKNIT_TEST_DB") == "postgresql":
    POSTGRES = Postgres.start()
    os.environ["CLOSEKNIT_DATABASE_URL"] = POSTGRES.url("closeknit")
