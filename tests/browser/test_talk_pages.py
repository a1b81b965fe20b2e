"""Every face of a talk keeps the rules that hold on all pages, in both themes, narrow and enlarged; for both sides."""

from __future__ import annotations

import pytest

from tests.browser import talk
from tests.browser.test_pages import check

pytestmark = [pytest.mark.browser]


class Rules:
    """Looks at pages, and gathers what is wrong with them and which classes they use."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.classes: set[str] = set()
        self.looked: list[str] = []

    def look(self, page, where: str) -> None:
        self.looked.append(where)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            self.wrong += check(page, f"{where}, {scheme}")
        page.emulate_media(color_scheme="light")
        size = page.viewport_size
        page.set_viewport_size({"width": 320, "height": 568})
        self._narrow(page, f"{where} at 320 px")
        page.set_viewport_size({"width": 640, "height": 720})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        self._narrow(page, f"{where} at twice the size")
        page.evaluate("document.documentElement.style.fontSize = ''")
        page.set_viewport_size(size)
        if page.evaluate("document.querySelector('a, button, input').id") != "exit":
            self.wrong.append(f"{where}: Quick exit is not first")
        self.classes |= set(page.evaluate("[...document.querySelectorAll('main *')].flatMap(e => [...e.classList])"))

    def _narrow(self, page, where: str) -> None:
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.wrong.append(f"{where}: wider than the screen")


@pytest.fixture
def rules(enter, house):
    one = Rules()
    yield one
    page = enter("Ana")
    page.goto(house.url + "/style/")
    shown = set(page.evaluate("[...document.querySelectorAll('*')].flatMap(e => [...e.classList])"))
    assert one.classes - shown == set(), "a piece that the style page does not show"
    assert not one.wrong, "\n".join(one.wrong)


def test_every_face_of_the_understood_loop(house, enter, rules):
    base = house.bond("Ana", "Jonas")
    ana, jonas = pages = [enter("Ana"), enter("Jonas")]
    talk.go(ana, base + "talk/")
    rules.look(ana, "the room")
    talk.choose(ana, base, "repair")
    rules.look(ana, "not yet")
    talk.choose(ana, base, "understood")
    if "/check/" in ana.url:
        rules.look(ana, "the private check")
    address = talk.ask(ana, base, "understood")
    rules.look(ana, "asked")
    talk.go(jonas, address)
    rules.look(jonas, "invited")
    talk.accept(jonas, address)
    rules.look(jonas, "are you here")
    talk.post(jonas, 'main button:has-text("I\'m here")')
    rules.look(jonas, "waiting for the others")
    talk.here([ana], address)
    jonas.wait_for_selector("#dialogue[data-face=stage]")
    rules.look(ana, "the first part")
    for spot in talk.LOOP:
        acts = talk.until_at(pages, spot)
        other = next(page for page in pages if page is not acts)
        other.wait_for_function(
            "v => document.querySelector('#dialogue')?.dataset.version === v",
            arg=acts.get_attribute("#dialogue", "data-version"),
        )
        rules.look(acts, f"{spot}, acting")
        rules.look(other, f"{spot}, listening")
    talk.post(ana, "button[value=pause]")
    rules.look(ana, "resting")
    talk.post(ana, "button[value=away]")
    rules.look(ana, "a time-out, mine")
    jonas.wait_for_selector("h1:has-text('needs a break')")
    rules.look(jonas, "a time-out, theirs")
    talk.post(jonas, "button:has-text('Stop for good')")
    rules.look(jonas, "over")
    assert len(rules.looked) > 20


def test_the_other_faces(house, enter, rules):
    base = house.bond("Ana", "Jonas", "Cleo", kind="circle")
    ana, jonas, cleo = pages = [enter("Ana"), enter("Jonas"), enter("Cleo")]
    address = talk.ask(ana, base, "good-news")
    talk.accept(jonas, address)
    talk.go(cleo, address)
    talk.here([jonas, ana], address)
    rules.look(ana, "begin with those who are here")
    talk.post(ana, "text=Begin with those who are here")
    talk.go(cleo, address)
    rules.look(cleo, "outside")
    jonas.goto(address)
    seen = set()

    def look(pages, _number):
        for page in pages:
            for kind in ("input[name=choice]", "button[name=option]", "#write", "button[name=wish]", ".fields"):
                if kind not in seen and page.query_selector(f"#dialogue {kind}"):
                    seen.add(kind)
                    rules.look(page, kind)

    talk.play(pages[:2], before=look)
    for page in pages[:2]:
        talk.post(page, "button:has-text('Let it go')")
    rules.look(jonas, "let go")
    talk.go(ana, base + "talk/history/")
    rules.look(ana, "history")
    address = talk.ask(ana, base, "days-stress", device="one")
    while ana.get_attribute("#dialogue", "data-face") != "curtain":
        assert talk.move(ana, 0)
    rules.look(ana, "the curtain")
    talk.post(ana, "#dialogue a.button-primary")
    rules.look(ana, "in another's hands")
