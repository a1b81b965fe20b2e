"""Two people, two browsers."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import make_pair, press
from tests.cast import PASSPHRASE

pytestmark = [pytest.mark.browser]


def test_draft_share_reveal_respond_live(pair):
    ana, jonas = (visitor.page for visitor in pair)
    ana.fill("textarea[name=text]", "Sunday, at the table.")
    ana.wait_for_function("() => true")
    with ana.expect_response(lambda answer: answer.url.endswith("/draft/")) as saved:
        ana.locator("textarea[name=text]").press("End")
        ana.keyboard.type(" I laughed.")
    assert saved.value.ok
    ana.reload()
    assert ana.input_value("textarea[name=text]") == "Sunday, at the table. I laughed."
    ana.click("main button.button-primary")
    ana.wait_for_selector("text=Your words are waiting for Jonas")
    # Jonas's open page hears of it without a reload.
    jonas.wait_for_selector("text=Ana has written something")
    assert "Sunday" not in jonas.content()
    jonas.fill("textarea[name=text]", "When the job fell through.")
    jonas.click("main button.button-primary")
    jonas.wait_for_selector("text=Sunday, at the table.")
    ana.wait_for_selector("text=When the job fell through.")
    ana.check("text=Tell me more")
    ana.click("text=Send to Jonas")
    jonas.wait_for_selector(".responses >> text=Tell me more")


def test_a_poke_never_disturbs_who_is_typing(pair):
    ana, jonas = (visitor.page for visitor in pair)
    jonas.fill("textarea[name=text]", "I am in the middle of")
    jonas.focus("textarea[name=text]")
    ana.fill("textarea[name=text]", "Done already.")
    ana.click("main button.button-primary")
    jonas.wait_for_selector("#status a")
    assert jonas.input_value("textarea[name=text]") == "I am in the middle of"
    assert jonas.evaluate("document.activeElement.name") == "text"


@pytest.mark.both
def test_everything_works_without_script(visit):
    ana, jonas = (visitor.page for visitor in make_pair(visit, script=False))
    ana.fill("textarea[name=text]", "Written without script.")
    press(ana, "text=Save for later")
    assert ana.input_value("textarea[name=text]") == "Written without script."
    press(ana, "main button.button-primary")
    jonas.reload()
    jonas.fill("textarea[name=text]", "So was this.")
    press(jonas, "main button.button-primary")
    assert "Written without script." in jonas.content()
    ana.reload()
    ana.check("input[value=thanks]")
    press(ana, "text=Send to Jonas")
    assert "Thank you" in ana.inner_text(".responses")


def test_lock_hides_and_typed_words_come_back(pair):
    ana = pair[0].page
    ana.fill("textarea[name=text]", "half a sentence that must not be lost")
    path = ana.url
    # Another tab of the same browser locks; this one hides at once and offers the words back afterwards.
    other = ana.context.new_page()
    other.goto(pair[0].url + "/you/")
    other.click("text=Lock now")
    other.wait_for_selector("text=Your passphrase opens it again")
    ana.wait_for_timeout(1200)
    ana.goto(path)
    assert "half a sentence" not in ana.content()
    ana.fill("#id_passphrase", PASSPHRASE)
    ana.click("main button.button-primary")
    ana.wait_for_selector("textarea[name=text]")
    assert ana.input_value("textarea[name=text]") == "half a sentence that must not be lost"


def test_quick_exit_by_link_and_by_shift(pair, visit):
    ana, jonas = pair
    ana.page.click("#exit")
    ana.page.wait_for_url("**/notes/")
    assert ana.page.title() == "Notes"
    ana.page.goto(ana.url + "/you/")
    assert "/sign-in/" in ana.page.url
    for _press in range(3):
        jonas.page.keyboard.press("Shift")
    jonas.page.wait_for_url("**/notes/")
    jonas.page.go_back()
    assert "Today" not in jonas.page.inner_text("body") and "textarea" not in jonas.page.content()
    quiet = visit(script=False)
    quiet.page.goto(quiet.url + "/care/")
    press(quiet.page, "#exit")
    assert quiet.page.title() == "Notes"


def test_nothing_loads_over_a_quick_exit(pair):
    """The session ends, its stream says so, and the way out is slow: neither may bring the sign-in page up on the way."""
    ana, _jonas = pair
    other = ana.page.context.new_page()
    other.goto(ana.url + "/you/")
    seen = []
    ana.page.on("framenavigated", lambda frame: seen.append(frame.url))
    other.on("framenavigated", lambda frame: seen.append(frame.url))

    def slowly(route):
        answer = route.fetch(max_redirects=0)
        ana.page.wait_for_timeout(3000)
        route.fulfill(response=answer)

    ana.page.route("**/leave/", slowly)
    ana.page.click("#exit")
    ana.page.wait_for_url("**/notes/")
    # The other tab of the same browser was covered at once, and has followed.
    other.wait_for_url("**/notes/")
    assert seen and not [url for url in seen if "/notes/" not in url]


def test_the_main_path_by_keyboard_alone(visit):
    one = visit()
    page = one.page
    page.goto(one.url + "/")

    def tab_to(wanted: str) -> None:
        for _press in range(40):
            page.keyboard.press("Tab")
            name = page.evaluate("document.activeElement.innerText || document.activeElement.id || ''")
            if wanted in name:
                return
        raise AssertionError(f"never reached {wanted}")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "exit"
    tab_to("Make an account")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-up/")
    tab_to("id_username")
    page.keyboard.type(f"keys{page.evaluate('performance.now()|0')}{one.url[-3:]}")
    tab_to("id_password1")
    page.keyboard.type(PASSPHRASE)
    for _press in range(5):
        if page.evaluate("document.activeElement.name") == "under_18":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Your recovery kit")
    number = int(re.search(r"group (\d)", page.inner_text("label[for=id_group]")).group(1))
    group = page.locator(".kit-group").nth(number - 1).inner_text().split()[-1]
    tab_to("id_group")
    page.keyboard.type(group)
    page.keyboard.press("Enter")
    page.wait_for_url("**/bonds/new/")
    page.keyboard.press("Tab")
    for _press in range(12):
        if page.evaluate("document.activeElement.name") == "kind":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    tab_to("id_name")
    page.keyboard.type("Keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/invite/")
    tab_to("Answer the first prompt")
    page.keyboard.press("Enter")
    page.wait_for_selector("textarea[name=text]")
    for _press in range(30):
        if page.evaluate("document.activeElement.name") == "text":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("typed by keyboard alone")
    tab_to("Share when we both")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Your words are waiting")
