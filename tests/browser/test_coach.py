"""How might this land? In a real browser, with the trained model."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visitor, Watch, make_pair, press, start
from tests.browser.test_pages import check

pytestmark = [pytest.mark.browser, pytest.mark.model]
WORDS = "So selfish. You never think of anyone but yourself and you never will."


@pytest.fixture(scope="module")
def coached(tmp_path_factory, chromium):
    """A server whose coach is on."""
    one = start(tmp_path_factory.mktemp("coach") / "data", chromium, coach="true")
    yield one
    one.stop()


@pytest.fixture
def visit(chromium, coached):
    watch = Watch(chromium, coached.url)
    yield lambda **options: Visitor(watch.page(**options), coached.url)
    watch.close()


def choose_tips(page, url: str) -> None:
    back = page.url
    page.goto(url + "/coach/")
    page.check("text=Tips and help")
    press(page, "text=Choose this")
    page.goto(back)


def ask(page) -> None:
    """Press until it has time: on a busy machine the first answer may be "not now"."""
    for _try in range(8):
        page.click("text=How might this land?")
        # The first press loads the model, beside whatever else this machine does.
        page.wait_for_selector(".landing", timeout=40_000)
        page.wait_for_selector("[data-land-ask]:not([disabled])")
        if "Not now" not in page.inner_text(".landing"):
            return
    raise AssertionError("the coach had no time at all")


def test_it_explains_itself_first_then_whispers_and_leaves_no_trace(visit):
    ana, jonas = make_pair(visit)
    page = ana.page
    page.fill("textarea[name=text]", WORDS)
    page.click("text=How might this land?")
    page.wait_for_selector("text=What it is, and what it gets wrong")
    choose_tips(page, ana.url)
    page.fill("textarea[name=text]", WORDS)
    ask(page)
    assert page.input_value("textarea[name=text]") == WORDS
    assert page.locator(".tip").count() <= 2 and "never" in page.inner_text(".tip-try")
    assert not check(page, "tips")
    page.locator(".tip details summary").last.click()
    page.locator("text=This was off").last.click()
    page.wait_for_selector("text=Noted, for you alone")
    assert page.input_value("textarea[name=text]") == WORDS
    page.reload()
    assert page.locator(".tip").count() == 0
    assert "tip" not in jonas.page.content().split("<main")[1]


def test_it_can_be_reached_by_keyboard_and_says_its_answer(visit):
    ana, _jonas = make_pair(visit)
    page = ana.page
    choose_tips(page, ana.url)
    page.fill("textarea[name=text]", WORDS)
    page.focus("[data-land-ask]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-land-place][role=status] .tip")
    assert page.url.count("/land/") == 0


def test_help_appears_under_a_draft_that_shows_danger_and_can_still_be_sent(visit):
    ana, jonas = make_pair(visit)
    page = ana.page
    page.locator("textarea[name=text]").press_sequentially("See you on Sunday at the lake.")
    page.wait_for_timeout(1500)
    assert page.locator("[data-care]").is_hidden()
    page.fill("textarea[name=text]", "I want to die. I have the pills here and I can't go on.")
    page.wait_for_selector("[data-care]:not([hidden]) >> text=Look at Care")
    assert "Look at Care" not in jonas.page.inner_text("main")
    page.click("main button.button-primary")
    page.wait_for_selector("text=Your words are waiting")
    assert page.locator("text=Look at Care").count() == 0


def test_without_script_it_is_a_page_and_back_has_the_words(visit):
    ana, _jonas = make_pair(visit, script=False)
    page = ana.page
    choose_tips(page, ana.url)
    page.fill("textarea[name=text]", WORDS)
    press(page, "text=How might this land?")
    assert page.input_value("#typed") == WORDS and page.locator(".tip").count()
    page.go_back()
    assert page.input_value("textarea[name=text]") == WORDS


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_rehearsal_from_end_to_end(visit, dark):
    ana, _jonas = make_pair(visit, dark=dark)
    page = ana.page
    page.goto(ana.url + "/rehearse/")
    page.locator(".shelf a").first.click()
    for _turn in range(3):
        page.fill("textarea[name=text]", "It sounds like you felt alone with it, and that makes sense.")
        press(page, "text=See how it may land")
        assert not check(page, "rehearsal")
        press(page, "text=Take these words and go on")
    press(page, "text=Keep it for me")
    assert "It sounds like you felt alone with it" in page.content()
    page.goto(ana.url + "/coach/")
    page.click("text=How often it is right")
    assert not check(page, "coach")
