"""Ten kills of a program that four members write into: everything acknowledged is there, nothing is half made.

`make drill` does the same two hundred times on each store.
"""

from __future__ import annotations

import os
import random

import pytest

from tests import boot

from .drill import Drill

pytestmark = pytest.mark.live


def test_ten_kills_lose_nothing():
    seed = int(os.environ.get("SEED") or random.randrange(1, 10_000))
    result = Drill("postgresql" if boot.POSTGRES else "sqlite", 10, seed=seed).run()
    assert result.kills >= 10
    assert result.lost == [] and result.half_made == [], f"SEED={seed}"
    assert set(result.acknowledged) >= {"open", "draft", "share"} and result.found >= 50, result
    assert not any(act.split()[1] == "500" for act in result.odd), result.odd
