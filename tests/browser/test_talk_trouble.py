"""Talks when something goes wrong: the line, the server, sleep, hasty fingers, people who go."""

from __future__ import annotations

import re

import pytest

from tests.browser import talk
from tests.browser.house import until

pytestmark = [pytest.mark.browser]
TWENTY_MINUTES = 20 * 60 + 5
#: The button that leads on at each place of the understood loop.
BUTTONS = {
    "speak": "#write button[value=typed]",
    "reflect": "#write button[value=typed]",
    "check": "button[name=verdict][value=yes]",
    "more": "button[name=more][value=no]",
    "validate": "#write button[value=typed]",
    "empathise": "#write button[value=typed]",
    "confirm": "button:has-text('Yes, it reached me')",
}


#: What one thing that happens adds to the version of a page, see services.Told.version_for.
ONE = 2


def version(page) -> int:
    return int(page.get_attribute("#dialogue", "data-version"))


def heading(page) -> str:
    return page.inner_text("main h1")


def comes_to(page, wanted: int, seconds: float = 15) -> None:
    """The page shows this version by itself."""
    page.wait_for_function(
        "wanted => Number(document.querySelector('#dialogue')?.dataset.version) >= wanted",
        arg=wanted,
        timeout=seconds * 1000,
    )
    assert version(page) == wanted


def typed(page, text: str) -> bool:
    """Type where something is to be typed here."""
    field = page.query_selector("#write textarea")
    if field is not None:
        field.fill(text)
    return field is not None


def two(house, enter) -> list:
    """Ana and Jonas at the beginning of an understood loop."""
    pages = talk.begin([enter("Ana"), enter("Jonas")], house.bond("Ana", "Jonas"), "understood")
    talk.until_at(pages, "speak")
    for page in pages:
        page.wait_for_function(
            "v => Number(document.querySelector('#dialogue').dataset.version) >= v", arg=version(pages[0])
        )
    return pages


def at(pages: list, spot: str) -> tuple:
    """(who acts here, the other), both showing it."""
    acts = talk.until_at(pages, spot)
    other = next(page for page in pages if page is not acts)
    comes_to(other, version(acts))
    return acts, other


def test_the_line_of_each_is_cut_at_every_place(house, enter):
    pages = two(house, enter)
    for spot, button in BUTTONS.items():
        acts, other = at(pages, spot)
        words, before = f"Written without a line: {spot}.", version(acts)
        # Whoever acts has no line: the page says so, and keeps what was typed.
        acts.context.set_offline(True)
        wrote = typed(acts, words)
        acts.click(f"#dialogue {button}")
        assert "The line is cut" in acts.inner_text("#status"), spot
        assert not wrote or acts.input_value("#write textarea") == words
        acts.context.set_offline(False)
        # Whoever listens has none while it happens, and sees it once theirs is back.
        other.context.set_offline(True)
        talk.post(acts, f"#dialogue {button}")
        assert version(acts) == before + ONE, spot
        other.wait_for_timeout(300)
        assert version(other) == before
        other.context.set_offline(False)
        comes_to(other, before + ONE)
        if wrote:
            assert other.inner_text("#dialogue").count(words) == 1


def test_the_server_is_killed_at_every_place(house, enter):
    pages = two(house, enter)
    for spot, button in BUTTONS.items():
        acts, other = at(pages, spot)
        words, before = f"Written before the fall: {spot}.", version(acts)
        house.kill()
        wrote = typed(acts, words)
        acts.click(f"#dialogue {button}")
        acts.wait_for_url("chrome-error://**")
        house.start()
        acts.go_back()
        assert version(acts) == before, spot
        if wrote:
            assert acts.input_value("#write textarea") == words, spot
        talk.post(acts, f"#dialogue {button}")
        assert version(acts) == before + ONE, spot
        comes_to(other, before + ONE)
        assert not wrote or other.inner_text("#dialogue").count(words) == 1


def test_a_time_out_and_twenty_minutes_of_sleep(house, enter):
    pages = two(house, enter)
    speaker, listener = talk.sides(pages)
    address = speaker.url.split("?")[0]
    with speaker.expect_response(re.compile("/own/")):
        speaker.fill("#write textarea", "In the middle of")
    talk.post(listener, "button[value=away]")
    speaker.wait_for_selector("#status a, h1:has-text('needs a break')")
    sessions = [page.context.new_cdp_session(page) for page in pages]
    for one in sessions:
        one.send("Page.setWebLifecycleState", {"state": "frozen"})
    house.later(TWENTY_MINUTES)
    for one in sessions:
        one.send("Page.setWebLifecycleState", {"state": "active"})
    # Quarter of an hour without a hand on it: the pages are locked when they wake.
    for page in pages:
        talk.go(page, address)
    assert heading(listener).startswith("You said that you are back by")
    talk.post(listener, "button:has-text('ready to go on')")
    comes_to(speaker, version(listener))
    talk.post(speaker, "button:has-text('ready to go on')")
    listener.wait_for_selector("#dialogue[data-face=stage]")
    assert speaker.input_value("#write textarea") == "In the middle of"
    talk.post(speaker, BUTTONS["speak"])
    listener.wait_for_selector("text=In the middle of")


def test_two_taps_are_one(house, enter):
    pages = two(house, enter)
    for spot, button in BUTTONS.items():
        acts, other = at(pages, spot)
        before = version(acts)
        typed(acts, f"Tapped twice: {spot}.")
        with acts.expect_navigation():
            acts.eval_on_selector(f"#dialogue {button}", "button => { button.click(); button.click() }")
        acts.wait_for_timeout(300)
        assert version(acts) == before + ONE, spot
        assert acts.query_selector("#dialogue [role=alert]") is None, spot
        comes_to(other, before + ONE)
    # Without the page's own care the server takes one of two all the same.
    speaker = talk.until_at(pages, "speak")
    before = version(speaker)
    speaker.fill("#write textarea", "Sent twice at once.")
    codes = speaker.evaluate(
        """async () => {
            const form = document.getElementById("write"), body = new URLSearchParams(new FormData(form));
            body.set("how", "typed");
            const send = () => fetch(form.action, { method: "POST", body, redirect: "manual" });
            return (await Promise.all([send(), send(), send()])).map((answer) => answer.status);
        }"""
    )
    assert sorted(codes) == [0, 409, 409]
    speaker.reload()
    assert version(speaker) == before + ONE


def test_reload_back_and_a_second_tab(house, enter):
    pages = two(house, enter)
    speaker, listener = talk.sides(pages)
    second = speaker.context.new_page()
    second.goto(speaker.url)
    second.fill("#write textarea", "Typed in the second tab.")
    speaker.fill("#write textarea", "Sent from the first.")
    before = version(speaker)
    talk.post(speaker, BUTTONS["speak"])
    # The second tab hears of it, and leaves what is being typed alone; sending it says how things are.
    second.wait_for_selector("#status a")
    assert second.input_value("#write textarea") == "Typed in the second tab."
    talk.post(second, BUTTONS["speak"])
    assert second.input_value("#typed") == "Typed in the second tab."
    assert second.get_attribute("#dialogue [data-focus]", "role") == "alert"
    assert version(second) == version(speaker) == before + ONE
    for page in (speaker, second, listener):
        now = heading(page)
        page.goto(page.url.split("do/")[0])
        assert heading(page) == now
    speaker.go_back()
    assert version(speaker) == before + ONE and speaker.query_selector("#write") is None
    comes_to(listener, before + ONE)
    # The whole of it goes on in the second tab.
    second.bring_to_front()
    listener.fill("#write textarea", "Heard.")
    talk.post(listener, BUTTONS["reflect"])
    second.wait_for_selector("button[name=verdict]")
    speaker.wait_for_selector("button[name=verdict]")


def test_a_lock_in_the_middle_gives_the_words_back(house, enter):
    pages = two(house, enter)
    speaker, listener = talk.sides(pages)
    address = speaker.url
    speaker.fill("#write textarea", "Half of what I wanted to")
    with speaker.expect_navigation():
        speaker.keyboard.press("Alt+Shift+L")
    speaker.wait_for_selector("#id_passphrase")
    assert "Half of" not in speaker.content()
    talk.go(speaker, address)
    assert speaker.input_value("#write textarea") == "Half of what I wanted to"
    talk.post(speaker, BUTTONS["speak"])
    listener.wait_for_selector("text=Half of what I wanted to")


def test_a_page_stays_open_with_a_yes_and_locks_without(house, enter):
    pages = two(house, enter)
    speaker, listener = talk.sides(pages)
    talk.post(listener, "button:has-text('Stay open while we talk')")
    assert "Lock as usual" in listener.inner_text("main")
    for page in pages:
        page.clock.install()
        page.reload()
        page.clock.fast_forward("15:30")
    speaker.wait_for_selector("#id_passphrase")
    listener.wait_for_timeout(500)
    assert listener.query_selector("#dialogue[data-face=stage]") and not listener.query_selector("#id_passphrase")


def test_two_talks_at_once_in_two_tabs(house, enter):
    base = house.bond("Ana", "Jonas")
    contexts = [enter("Ana"), enter("Jonas")]
    news = talk.begin(contexts, base, "good-news")
    tabs = [page.context.new_page() for page in contexts]
    hard = talk.begin(tabs, base, "days-stress")
    for page in [*news, *hard]:
        page.bring_to_front()
    for number in range(6):
        for pages, first in ((news, 100), (hard, 200)):
            for page in pages:
                page.bring_to_front()
            until(
                lambda pages=pages, text=first + number: any(talk.move(page, text) for page in pages), "somebody acts"
            )
    for pages, own, foreign in ((news, "turn 10", "turn 20"), (hard, "turn 20", "turn 10")):
        for page in pages:
            page.reload()
            assert own in page.content() and foreign not in page.content()


def test_who_leaves_the_bond_in_the_middle_ends_it_kindly(house, enter):
    pages = two(house, enter)
    speaker, listener = talk.sides(pages)
    base = talk.base_of(listener)
    away = listener.context.new_page()
    talk.go(away, base + "go/")
    talk.post(away, "text=Leave now")
    speaker.wait_for_selector("#dialogue[data-face=over]")
    assert heading(speaker) == "The conversation has ended for now"
    away.goto(speaker.url)
    assert "What I" not in away.inner_text("main") and away.query_selector("#dialogue") is None


def test_a_late_one_comes_in_and_a_removed_one_is_out(house, enter):
    base = house.bond("Ana", "Jonas", "Cleo", "Mira", kind="circle")
    ana, jonas, cleo, mira = (enter(name) for name in ("Ana", "Jonas", "Cleo", "Mira"))
    address = talk.ask(ana, base, "talking-piece")
    for page in (jonas, cleo, mira):
        talk.accept(page, address)
    talk.here([cleo, jonas, ana], address)
    talk.post(ana, "text=Begin with those who are here")
    jonas.wait_for_selector("#dialogue[data-face=stage]")
    mira.goto(address)
    talk.post(mira, "button:has-text('Come in')")
    mira.wait_for_selector("#dialogue[data-face=stage]")
    comes_to(ana, version(mira))
    # The three others decide that Cleo goes; her page hears of it, and the others go on without her.
    for page in (ana, jonas, mira):
        other = page.context.new_page()
        talk.go(other, base + "together/")
        other.check("fieldset label:has-text('Cleo') input")
        talk.post(other, "text=Keep my answer")
        other.close()
    until(lambda: cleo.evaluate("fetch(location.href).then(a => a.status)") == 404, "Cleo's page is not there")
    ana.bring_to_front()
    done = talk.play([ana, jonas, mira])
    assert {who for who, what in done if what == "said"} == {0, 1, 2}
    assert "Cleo" not in ana.inner_text("#dialogue .eyebrow")


def test_one_device_passed_round_behind_a_curtain(house, enter):
    base = house.bond("Ana", "Jonas")
    ana, jonas = enter("Ana"), enter("Jonas")
    address = talk.ask(ana, base, "good-news", device="one")
    ana.goto(address)
    assert ana.query_selector("#scratch") is None
    curtains, handed = 0, ""
    for number in range(80):
        if "That was it" in ana.inner_text("main"):
            break
        if ana.get_attribute("#dialogue", "data-face") == "curtain":
            curtains += 1
            assert "Words of turn" not in ana.content(), "behind the curtain no word of a turn shows"
            handed = heading(ana).removeprefix("Hand this to ")
            talk.post(ana, f"text=I am {handed}")
        assert talk.move(ana, number), ana.inner_text("main")
    else:
        raise AssertionError("not over")
    assert curtains > 1 and handed == "Jonas"
    talk.go(jonas, address)
    assert heading(jonas) == "That was it. Thank each other."
    assert jonas.query_selector("text=Take these words back") is None


@pytest.mark.both
def test_pause_time_out_and_stop_from_each_side(house, enter):
    pages = two(house, enter)
    speaker, listener = talk.sides(pages)
    for first, second in ((speaker, listener), (listener, speaker)):
        talk.post(first, "button[value=pause]")
        second.wait_for_selector("h1:has-text('It rests for a moment')")
        talk.post(second, "button:has-text('ready to go on')")
        comes_to(first, version(second))
        talk.post(first, "button:has-text('ready to go on')")
        second.wait_for_selector("#dialogue[data-face=stage]")
    talk.post(speaker, "button[value=away]")
    listener.wait_for_selector("h1:has-text('needs a break, and means to be back by')")
    # Whoever took it is not asked before twenty minutes have passed; the other may say already that they are ready.
    assert speaker.query_selector("button:has-text('ready to go on')") is None
    talk.post(listener, "button:has-text('ready to go on')")
    assert "You are ready." in listener.inner_text("main")
    talk.post(listener, "button:has-text('Stop for good')")
    speaker.wait_for_selector("h1:has-text('The conversation has ended for now')")
    assert heading(listener) == heading(speaker)
    pages = two(house, enter)
    speaker, listener = talk.sides(pages)
    speaker.click("summary:has-text('or stop')")
    talk.post(speaker, "button:has-text('Stop for good')")
    listener.wait_for_selector("h1:has-text('The conversation has ended for now')")
