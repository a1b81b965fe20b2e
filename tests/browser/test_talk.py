"""Guided conversations in real browsers: every script from its question to its end, for two and for four."""

from __future__ import annotations

import re

import pytest

from tests.browser import talk

pytestmark = [pytest.mark.browser]
#: One question opens everything else here: what the pair talked about before, in order.
UNGATED = ("good-news", "days-stress")
GATED = ("appreciation", "rising-questions", "understood", "need-and-request", "state-of-us")
CIRCLES = ("talking-piece", "appreciation", "understood", "good-news", "days-stress", "rising-questions", "state-of-us")
DEEPER = ("repair", "worry-about-us", "saying-sorry")
#: After a talk with a check the next one opens three hours later.
FOUR_HOURS = 4 * 3600


NAMES = ("Ana", "Jonas", "Cleo", "Mira")


def whole(pages: list, base: str, script: str, *, names: tuple[str, ...] = NAMES, **choices: str) -> list[tuple[int, str]]:
    """Ask, accept, be here, talk to the end. No page speaks of its reader by name."""

    def addressed(pages: list, _number: int) -> None:
        for page, name in zip(pages, names, strict=False):
            assert name not in page.inner_text("main h1"), script

    first, *others = pages
    address = talk.ask(first, base, script, **choices)
    for page in others:
        talk.accept(page, address)
    talk.here(reversed(pages), address)
    done = talk.play(pages, before=addressed)
    for page in pages:
        assert page.locator("h1").inner_text() == "That was it. Thank each other."
    return done


def spoke(done: list[tuple[int, str]]) -> set[int]:
    return {who for who, what in done if what in {"said", "judged", "confirmed"}}


def test_good_news_from_the_invitation_on_today_to_an_agreement_that_comes_back(house, enter):
    base = house.bond("Ana", "Jonas")
    ana, jonas = enter("Ana"), enter("Jonas")
    address = talk.ask(ana, base, "good-news")
    jonas.goto(base)
    jonas.click("text=would like to talk")
    jonas.wait_for_selector("text=Yes, I'd like that")
    talk.accept(jonas, address)
    talk.here([jonas, ana], address)
    assert spoke(talk.play([ana, jonas])) == {0, 1}
    ana.click("summary:has-text('agreement')")
    ana.fill("#id_text", "A walk on Sunday")
    talk.post(ana, "text=Share with Jonas")
    jonas.wait_for_selector("text=A walk on Sunday")
    for page, choice in ((ana, "Keep it"), (jonas, "Keep it")):
        page.select_option("#id_safe", "9")
        page.fill("#id_line", "My own line")
        talk.post(page, "text=Save for me")
        talk.post(page, f"button:has-text('{choice}')")
    jonas.wait_for_selector("h2:has-text('Keep what was typed?')", state="detached")
    ana.wait_for_selector("h2:has-text('Keep what was typed?')", state="detached")
    talk.go(jonas, base + "talk/history/")
    assert "A walk on Sunday" in jonas.inner_text("main")


def test_one_who_lets_go_lets_it_go_for_all(house, enter):
    base = house.bond("Ana", "Jonas")
    pages = [enter("Ana"), enter("Jonas")]
    whole(pages, base, "good-news")
    talk.post(pages[0], "button:has-text('Let it go')")
    assert "Nobody sees what you chose" in pages[0].inner_text("main")
    talk.post(pages[1], "button:has-text('Keep it')")
    for page in pages:
        page.wait_for_selector("text=You let this one go")
        assert "Words of turn" not in page.content()


@pytest.mark.parametrize("script", GATED)
def test_two_from_start_to_end(house, enter, script):
    done = whole([enter("Ana"), enter("Jonas")], house.bond("Ana", "Jonas"), script)
    assert spoke(done) == {0, 1}


def test_parent_and_teenager(house, enter):
    base = house.bond("Mira", "Cleo", kind="family")
    assert spoke(whole([enter("Mira"), enter("Cleo")], base, "parent-and-teen", names=("Mira", "Cleo"))) == {0, 1}


def test_calm_ones_come_first_then_repair_a_worry_and_saying_sorry(house, enter):
    base = house.bond("Ana", "Jonas")
    pages = ana, jonas = [enter("Ana"), enter("Jonas")]
    for script in DEEPER:
        talk.choose(ana, base, script)
        assert "Two calm conversations come first." in ana.inner_text("main")
    for script in UNGATED:
        whole(pages, base, script)
    for script in DEEPER:
        assert spoke(whole(pages, base, script)) == {0, 1}, script
        # Straight after it the next one with a check is not open, and says so in the one sentence.
        if script == DEEPER[0]:
            address = talk.ask(ana, base, DEEPER[1])
            talk.accept(jonas, address)
            assert "This is not open right now." in jonas.inner_text("main")
            talk.go(ana, address)
            talk.post(ana, "text=Take the question back")
        if script != DEEPER[-1]:
            house.later(FOUR_HOURS)


@pytest.mark.parametrize("script", CIRCLES)
def test_four_in_a_circle_from_start_to_end(house, enter, script):
    base = house.bond("Ana", "Jonas", "Cleo", "Mira", kind="circle")
    done = whole([enter(name) for name in ("Ana", "Jonas", "Cleo", "Mira")], base, script)
    assert {who for who, what in done if what == "said"} == {0, 1, 2, 3}


@pytest.mark.both
def test_without_script_from_asking_to_the_end(house, enter):
    base = house.bond("Ana", "Jonas")
    ana, jonas = pages = [enter("Ana", script=False), enter("Jonas", script=False)]
    address = talk.ask(ana, base, "understood")
    talk.accept(jonas, address)
    talk.here([jonas, ana], address)
    jonas.goto(address)
    looked = 0

    def look_again(pages, _number):
        nonlocal looked
        for page in pages:
            link = page.query_selector("#dialogue a:has-text('Look again')")
            if link is None:
                page.goto(address)
            else:
                talk.post(page, "#dialogue a:has-text('Look again')")
                looked += 1

    assert spoke(talk.play(pages, before=look_again)) == {0, 1}
    assert looked > 10


def test_every_act_shows_on_the_other_page_without_a_reload(house, enter):
    base = house.bond("Ana", "Jonas")
    pages = [enter("Ana"), enter("Jonas")]
    address = talk.ask(pages[0], base, "understood")
    pages[0].goto(address)
    talk.accept(pages[1], address)
    talk.here(pages, address)
    for page in pages:
        page.wait_for_selector("h1:has-text('To understand, not to solve')", timeout=3000)
        page.evaluate("window.born = 1")
    for number in range(60):
        if all("That was it" in page.inner_text("main") for page in pages):
            break
        before = [page.get_attribute("#dialogue", "data-version") for page in pages]
        who, what = next((i, w) for i, page in enumerate(pages) if (w := talk.move(page, number)))
        other = pages[1 - who]
        other.wait_for_function(
            "old => document.querySelector('#dialogue')?.dataset.version !== old", arg=before[1 - who], timeout=3000
        )
        now = [page.get_attribute("#dialogue", "data-version") for page in pages]
        assert now[0] == now[1], what
        if other.get_attribute("#dialogue", "data-face") == "stage":
            # Put in by the poke, not loaded anew.
            assert other.evaluate("window.born") == 1, what
        pages[who].evaluate("window.born = 1")
    else:
        raise AssertionError("it did not come to its end")


def test_by_keyboard_alone(house, enter):
    base = house.bond("Ana", "Jonas")
    pages = talk.begin([enter("Ana"), enter("Jonas")], base, "understood")
    talk.until_at(pages, "speak")
    speaker, listener = talk.sides(pages)

    def tab_to(page, wanted: str) -> None:
        for _press in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
                return
        raise AssertionError(f"never reached {wanted}")

    def press(page, key: str) -> None:
        with page.expect_navigation():
            page.keyboard.press(key)

    tab_to(speaker, "#write textarea")
    speaker.keyboard.type("Said by keyboard")
    tab_to(speaker, "#write button[value=typed]")
    press(speaker, "Enter")
    listener.wait_for_selector("#write")
    assert "Said by keyboard" in listener.inner_text("#dialogue")
    tab_to(listener, "#write textarea")
    listener.keyboard.type("Heard by keyboard")
    tab_to(listener, "#write button[value=typed]")
    press(listener, "Enter")
    speaker.wait_for_selector("button[name=verdict]")
    tab_to(speaker, "button[name=verdict][value=yes]")
    press(speaker, "Space")
    assert speaker.inner_text("h1") == "Is there more to it?"
    tab_to(listener, "button[name=what][value=away]")
    press(listener, "Enter")
    speaker.wait_for_selector("h1:has-text('needs a break')")
    assert "You said that you are back by" in listener.inner_text("h1")


def test_turns_are_announced_and_nothing_is_put_under_hands_that_type(house, enter):
    base = house.bond("Ana", "Jonas")
    pages = talk.begin([enter("Ana"), enter("Jonas")], base, "understood")
    talk.until_at(pages, "speak")
    speaker, listener = talk.sides(pages)
    # The listener writes into the scratch line meanwhile.
    listener.click("#scratch")
    listener.keyboard.type("They look ti")
    said = "() => document.getElementById('status').textContent.includes('Your turn. Say back what you heard')"
    speaker.fill("#write textarea", "What I say.")
    talk.post(speaker, "#write button[value=typed]")
    listener.wait_for_function(said, polling=50)
    assert listener.get_attribute("#status", "role") == "status"
    assert listener.evaluate("document.activeElement.id") == "scratch"
    listener.keyboard.type("red")
    assert listener.input_value("#scratch") == "They look tired"
    assert "What I say." in listener.inner_text("#dialogue")
    # In the field of the turn itself: a poke waits until the hands are off.
    listener.fill("#write textarea", "What I hear is")
    listener.focus("#write textarea")
    talk.post(speaker, "#dialogue button:has-text('Slower')")
    listener.wait_for_timeout(1500)
    assert listener.evaluate("document.activeElement.closest('#write') !== null")
    assert listener.input_value("#write textarea") == "What I hear is"


def test_the_scratch_line_is_there_afterwards_and_nobody_elses(house, enter):
    base = house.bond("Ana", "Jonas")
    pages = talk.begin([enter("Ana"), enter("Jonas")], base, "understood")
    talk.until_at(pages, "speak")
    speaker, listener = talk.sides(pages)
    listener.click("#scratch")
    with listener.expect_response(re.compile(r"/own/")) as answer:
        listener.keyboard.type("for me alone")
    assert answer.value.ok
    listener.reload()
    assert listener.input_value("#scratch") == "for me alone"
    speaker.reload()
    assert "for me alone" not in speaker.content()
