"""Guided conversations in real browsers."""

from __future__ import annotations

import pytest

from tests.browser.conftest import press

pytestmark = [pytest.mark.browser]


def start(page, script: str, url: str) -> str:
    """Choose a script and ask; returns the dialogue's address."""
    page.goto(url + f"talk/start/{script}/")
    press(page, "main button.button-primary")
    return page.url


def bond_url(page) -> str:
    return page.url.split("/b/")[0] + "/b/" + page.url.split("/b/")[1].split("/")[0] + "/"


def test_good_news(pair):
    ana, jonas = (v.page for v in pair)
    address = start(ana, "good-news", bond_url(ana))
    jonas.goto(bond_url(jonas))
    jonas.click("text=would like to talk")
    jonas.click("text=Yes, I'd like that")
    jonas.wait_for_selector("text=I'm here")
    jonas.click("text=I'm here")
    ana.wait_for_selector("text=I'm here")
    ana.click("text=I'm here")
    ana.wait_for_selector(".stage")
    jonas.wait_for_selector(".stage")
    ana.screenshot(path="/tmp/shot-ana-stage.png", full_page=True)
    jonas.screenshot(path="/tmp/shot-jonas-stage.png", full_page=True)
    for turn in range(14):
        holder = ana if ana.query_selector("#write, main form button.button-primary") else jonas
        if holder.query_selector("textarea[name=text]#id_text"):
            holder.fill("#id_text", f"Words of turn {turn}.")
            holder.click("#write button.button-primary")
        elif holder.query_selector("text=Ready"):
            for page in (ana, jonas):
                page.wait_for_selector("button:has-text('Ready')")
                page.click("button:has-text('Ready')")
                page.wait_for_timeout(300)
            break
        holder.wait_for_timeout(900)
    ana.wait_for_selector("text=That was it")
    jonas.wait_for_selector("text=That was it")
    ana.screenshot(path="/tmp/shot-ana-over.png", full_page=True)
    assert address
