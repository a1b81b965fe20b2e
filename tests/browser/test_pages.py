"""Rules that hold on every page: axe, one heading, targets, Quick exit in reach, nothing wider than the screen."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import make_pair

pytestmark = [pytest.mark.browser]
OUTSIDE = ("/", "/sign-up/", "/sign-in/", "/recover/", "/care/", "/host-can-see/", "/nothing-here/", "/style/")
BANNED = re.compile(
    r"\b(streak|missed|failed|you haven't|overdue|reminder|unread|score|compatible|end-to-end|zero-knowledge)\b",
    re.IGNORECASE,
)


def paths(base: str) -> list[str]:
    inside = ["", "prompt/", "prompts/", "depth/", "thread/", "us/", "invite/"]
    return [*OUTSIDE, *(base + one for one in inside), "/you/", "/you/passphrase/", "/you/words/", "/bonds/new/"]


def check(page, where: str) -> list[str]:
    wrong = []
    violations = Axe().run(page).response["violations"]
    for one in violations:
        targets = [node["target"] for node in one["nodes"][:3]]
        wrong.append(f"{where}: axe {one['id']} {targets}")
    if page.locator("h1").count() != 1:
        wrong.append(f"{where}: {page.locator('h1').count()} h1")
    if where != "/style/" and page.locator("main .button-primary:visible").count() > 1:
        wrong.append(f"{where}: more than one primary button")
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append(f"{where}: wider than the screen")
    small = page.evaluate(
        """() => [...document.querySelectorAll('main button, main summary, .tabs a, .top a, #exit, .button-quiet')]
        .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.5)
        .map(e => e.innerText.slice(0, 30))"""
    )
    if small:
        wrong.append(f"{where}: small targets {small}")
    box = page.locator("#exit").bounding_box()
    view = page.viewport_size
    if not box or box["x"] < 0 or box["x"] + box["width"] > view["width"] or box["y"] + box["height"] > view["height"]:
        wrong.append(f"{where}: Quick exit out of reach")
    else:
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        if page.evaluate(f"document.elementFromPoint({x}, {y})?.closest('#exit') === null"):
            wrong.append(f"{where}: Quick exit covered")
    banned = BANNED.search(page.inner_text("body")) if where != "/style/" else None
    if banned:
        wrong.append(f"{where}: says “{banned.group(0)}”")
    return wrong


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_keeps_the_rules(visit, dark):
    ana, jonas = make_pair(visit, dark=dark)
    base = re.search(r"/b/[^/]+/", ana.page.url).group(0)
    wrong = []
    outsider = visit(dark=dark)
    for path in OUTSIDE:
        outsider.page.goto(outsider.url + path)
        wrong += check(outsider.page, path)
    for path in paths(base)[len(OUTSIDE) :]:
        ana.page.goto(ana.url + path)
        wrong += check(ana.page, path)
    ana.page.goto(ana.url + base)
    ana.page.fill("textarea[name=text]", "One answer.")
    ana.page.click("main button.button-primary")
    ana.page.wait_for_selector("text=Your words are waiting")
    wrong += check(ana.page, "waiting")
    jonas.page.fill("textarea[name=text]", "Another.")
    jonas.page.click("main button.button-primary")
    jonas.page.wait_for_selector("text=One answer.")
    wrong += check(jonas.page, "revealed")
    ana.page.goto(ana.url + base + "thread/")
    wrong += check(ana.page, "thread with something in it")
    assert not wrong, "\n".join(wrong)


def test_nothing_is_wider_than_320(visit):
    one = visit(width=320, height=568)
    wrong = []
    for path in OUTSIDE:
        one.page.goto(one.url + path)
        if one.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(path)
    assert not wrong, "\n".join(wrong)


def test_headers_in_a_real_browser(visit, server):
    one = visit()
    answer = one.page.goto(one.url + "/care/")
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "nonce-" in policy
    assert "frame-ancestors 'none'" in policy and headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "same-origin"
    assert headers["permissions-policy"] and headers["x-content-type-options"] == "nosniff"
    static = one.page.request.get(one.url + one.page.get_attribute("link[rel=stylesheet]", "href"))
    assert "max-age=31536000" in static.headers["cache-control"]
