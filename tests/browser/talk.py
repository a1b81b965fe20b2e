"""People who talk in real browsers: whoever can do something does the first thing that leads on, as a person would."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from playwright.sync_api import Error

from closeknit.method import scripts
from tests.boot import ROOT
from tests.http import PASSPHRASE

TITLES = {one.id: one.title for one in scripts.load_scripts(ROOT / "content").values()}
CHECK = {"afraid": "no", "hurt": "no", "free": "yes", "shown": "no"}


def base_of(page: Any) -> str:
    """The bond's address that a page stands in."""
    found = re.match(r"(.*/b/[^/]+/)", page.url)
    assert found is not None, page.url
    return found.group(1)


def unlock(page: Any) -> None:
    """The passphrase again, where the page asks for it."""
    if page.query_selector("#id_passphrase"):
        page.fill("#id_passphrase", PASSPHRASE)
        with page.expect_navigation():
            page.click("main button.button-primary")


def go(page: Any, address: str) -> None:
    """Open an address, with the passphrase where it is asked for."""
    _open(page, address)
    unlock(page)
    if page.url.split("?")[0] != address.split("?")[0] and "/talk/check/" not in page.url:
        _open(page, address)


def _open(page: Any, address: str) -> None:
    try:
        page.goto(address)
    except Error as error:
        # The page was just then loading itself anew.
        if "interrupted by another navigation" not in error.message:
            raise
        page.wait_for_load_state()
        page.goto(address)


def check(page: Any) -> None:
    """Answer the private check so that it is open."""
    for name, value in CHECK.items():
        page.check(f"input[name={name}][value={value}]")
    with page.expect_navigation():
        page.click("main button.button-primary")


def choose(page: Any, base: str, script: str) -> None:
    """Take a script from the shelf."""
    go(page, f"{base}talk/")
    with page.expect_navigation():
        page.click(f"main .shelf-title:text-is({json.dumps(TITLES[script])})")


def ask(page: Any, base: str, script: str, **choices: str) -> str:
    """Ask the others to a script; returns the dialogue's address. choices: radio fields of the form by name."""
    choose(page, base, script)
    if "/talk/check/" in page.url:
        check(page)
    for name, value in choices.items():
        page.check(f"input[name={name}][value={value}]")
    for box in page.query_selector_all("input[name=people]"):
        box.check()
    with page.expect_navigation():
        page.click("main form button.button-primary")
    assert "/d/" in page.url, page.inner_text("main")
    return page.url


def accept(page: Any, address: str) -> None:
    """Say yes, through the private check where there is one."""
    go(page, address)
    with page.expect_navigation():
        page.click("text=Yes, I'd like that")
    if "/talk/check/" in page.url:
        check(page)
        with page.expect_navigation():
            page.click("text=Yes, I'd like that")


def here(pages: Iterable[Any], address: str) -> None:
    """Everyone says that they are here; it begins with the last."""
    for page in pages:
        go(page, address)
        with page.expect_navigation():
            page.click('main button:has-text("I\'m here")')


def post(page: Any, selector: str) -> None:
    """Press a button that sends a form."""
    with page.expect_navigation():
        page.click(selector)


def move(page: Any, number: int) -> str:
    """Do the first thing that leads on. Returns what it was; empty if there is nothing for this page to do."""
    main = page.query_selector("#dialogue")
    if main is None:
        return ""
    if page.query_selector("#write"):
        for field in page.query_selector_all("#write textarea"):
            field.fill(f"Words of turn {number}.")
        post(page, "#write button[value=typed]")
        return "said"
    for name, selector in {
        "judged": "button[name=verdict][value=yes]",
        "more": "button[name=more][value=no]",
        "wish": "button[name=wish][value=stay]",
        "chose": "button[name=option]",
        "confirmed": "button:has-text('Yes, it reached me')",
        "done": "button:has-text('Ready')",
    }.items():
        if page.query_selector(f"#dialogue {selector}") and not page.query_selector("text=Chosen. It goes on"):
            post(page, f"#dialogue {selector}")
            return name
    if page.query_selector("#dialogue input[name=choice]"):
        page.check("#dialogue input[name=choice][value=thanks]")
        post(page, "#dialogue button:has-text('Say it')")
        return "responded"
    return ""


def _moved(page: Any, number: int) -> str:
    """As `move`; nothing where the page just then loads itself anew, for it shows another face."""
    try:
        return move(page, number)
    except Error as error:
        if "context was destroyed" not in error.message:
            raise
        page.wait_for_load_state()
        return ""


def _patiently(pages: list[Any], look: Callable[[], None]) -> None:
    """Look at the pages; once more where one of them just then loads itself anew."""
    try:
        look()
    except Error as error:
        if "context was destroyed" not in error.message:
            raise
        for page in pages:
            page.wait_for_load_state()
        look()


def play(
    pages: list[Any], *, most: int = 200, before: Callable[[list[Any], int], None] | None = None
) -> list[tuple[int, str]]:
    """Go on until it is over for everyone. before: called with the pages and the number of the turn before each move.

    Returns who did what. Fails where nobody can do anything for six seconds.
    """
    done: list[tuple[int, str]] = []
    idle = 0
    while len(done) < most:
        if all("That was it" in page.inner_text("main") for page in pages):
            return done
        moved = False
        for index, page in enumerate(pages):
            if before is not None:
                _patiently(pages, lambda: before(pages, len(done)))
            what = _moved(page, len(done))
            if what:
                done.append((index, what))
                moved = True
                break
        if not moved:
            idle += 1
            assert idle < 30, [page.inner_text("main")[:400] for page in pages]
            pages[0].wait_for_timeout(200)
        else:
            idle = 0
    raise AssertionError(f"not over after {most} moves: {done[-10:]}")


# -- a talk, up to a place in it -----------------------------------------------------------------------------------------

#: What whoever acts at each place of the understood loop finds on their page.
LOOP = {
    "speak": "#write:has(input[value=said])",
    "reflect": "#write:has(input[value=reflected])",
    "check": "button[name=verdict]",
    "more": "button[name=more]",
    "validate": "#write:has(input[value=validated])",
    "empathise": "#write:has(input[value=empathised])",
    "confirm": "button:has-text('Yes, it reached me')",
}
#: Which of the two acts there.
SPEAKS = frozenset({"speak", "check", "more", "confirm"})


def begin(pages: list[Any], base: str, script: str, **choices: str) -> list[Any]:
    """Ask, accept, and be here; every page stands on the first part."""
    first, *others = pages
    address = ask(first, base, script, **choices)
    for page in others:
        accept(page, address)
    here(pages, address)
    for page in pages:
        page.wait_for_selector("#dialogue[data-face=stage]")
    return pages


def acting(pages: list[Any], spot: str) -> Any | None:
    """Whose page holds what is to be done at this place of the loop, if it is reached."""
    return next((page for page in pages if page.query_selector(f"#dialogue {LOOP[spot]}")), None)


def until_at(pages: list[Any], spot: str) -> Any:
    """Go on until the loop is at this place. Returns the page of whoever acts there."""
    for number in range(400):
        page = acting(pages, spot)
        if page is not None:
            return page
        if not any(_moved(page, number) for page in pages):
            pages[0].wait_for_timeout(100)
    raise AssertionError(f"never came to {spot}: {[page.inner_text('main')[:300] for page in pages]}")


def sides(pages: list[Any]) -> tuple[Any, Any]:
    """(who speaks, who listens) at the beginning of a loop."""
    speaker = acting(pages, "speak")
    assert speaker is not None
    return speaker, next(page for page in pages if page is not speaker)
