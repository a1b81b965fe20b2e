"""Guided conversations in real browsers."""

from __future__ import annotations

import pytest

from tests.browser import talk

pytestmark = [pytest.mark.browser]


def test_good_news_from_asking_to_the_end(pair):
    ana, jonas = (visitor.page for visitor in pair)
    address = talk.ask(ana, talk.base_of(ana), "good-news")
    jonas.goto(talk.base_of(jonas))
    jonas.click("text=would like to talk")
    jonas.wait_for_selector("text=Yes, I'd like that")
    talk.accept(jonas, address)
    talk.here([jonas, ana], address)
    done = talk.play([ana, jonas])
    assert {who for who, what in done if what == "said"} == {0, 1}
