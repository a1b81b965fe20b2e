"""Somebody alone, with no bond: every page of Reflect, filled in by hand, keeps the rules, and tells of no lack."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.browser.conftest import press
from tests.browser.test_pages import check

pytestmark = [pytest.mark.browser]
#: Screenshots of these pages go into this folder, if it is named.
SHOTS = os.environ.get("SHOTS")
#: Widths and schemes; all four are `LOOKS="360-light 360-dark 1280-light 1280-dark"`.
LOOKS = os.environ.get("LOOKS", "360-light 1280-dark").split()
LACKING = re.compile(r"\b(invite (?:some|them)|no bonds? yet|missing|nobody here|on your own|only you are here)\b", re.I)


def photograph() -> bytes:
    """A made-up hill under a made-up sky."""
    image = Image.new("RGB", (1200, 800), (205, 220, 228))
    draw = ImageDraw.Draw(image)
    draw.ellipse((-200, 420, 900, 1300), fill=(96, 122, 88))
    draw.ellipse((500, 500, 1700, 1300), fill=(124, 146, 104))
    draw.ellipse((880, 120, 980, 220), fill=(250, 240, 210))
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


class Alone:
    """A member without a bond, and what is wrong on the pages they went through."""

    def __init__(self, visitor, look: str) -> None:
        self.page, self.url, self.look, self.wrong, self.number = visitor.page, visitor.url, look, [], 0

    def look_at(self, what: str) -> None:
        self.wrong += check(self.page, what)
        lacking = LACKING.search(self.page.inner_text("main"))
        # Of a made-up person a title may say that their money is gone.
        if lacking and not what.startswith("rehearsals"):
            self.wrong.append(f"{what}: says “{lacking.group(0)}”")
        if SHOTS:
            self.number += 1
            path = Path(SHOTS) / f"reflect-{self.number:02}-{what.replace(' ', '-')}-{self.look}.png"
            size = self.page.viewport_size
            self.page.set_viewport_size({**size, "height": self.page.evaluate("document.documentElement.scrollHeight")})
            self.page.screenshot(path=path)  # as tall as the page, so that the tabs lie over nothing
            self.page.set_viewport_size(size)

    def go(self, path: str, what: str = "") -> None:
        self.page.goto(self.url + path)
        if what:
            self.look_at(what)

    def fill(self, **words: str) -> None:
        for name, text in words.items():
            self.page.fill(f"main [name={name}]", text)

    def send(self, words: str) -> None:
        press(self.page, f"main button:text-is('{words}')")


def journal(one: Alone) -> None:
    one.go("/reflect/journal/", "journal empty")
    one.go("/reflect/write/", "write")
    one.page.click("text=What did you feel?")
    one.page.check("input[name=feelings] >> nth=2")
    one.page.fill("#find-feeling", "Fairness")
    assert one.page.locator("fieldset.feelings:visible legend").all_inner_texts()[-1].startswith("Angry")
    assert one.page.locator("fieldset.feelings label:visible").count() == 1 + 9, "the chosen one, and a family"
    one.page.press("#find-feeling", "Enter")
    one.page.fill("#find-feeling", "")
    one.page.click("text=Whom or what is it about?")
    one.fill(tags="Mum, the choir", text="I left before the last song.\n\nOn the way home I was calmer than all week.")
    one.look_at("write with feelings")
    one.send("Keep it for me")
    one.look_at("journal")
    press(one.page, "text=Add a picture")
    one.look_at("pictures none")
    one.page.set_input_files("#id_file", {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})
    one.fill(says="The hill behind the mill, in March.")
    one.send("Keep it for me")
    assert "no JPEG, PNG or WebP" in one.page.inner_text("main")
    one.look_at("pictures refused")
    one.page.set_input_files("#id_file", {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    one.send("Keep it for me")
    assert one.page.evaluate("document.querySelector('main img').naturalWidth") == 1200
    one.look_at("pictures")
    one.go("/reflect/journal/")
    one.page.click("summary:has-text('Calendar')")
    one.look_at("journal with a picture")
    one.page.fill("#q", "choir calmer")
    one.send("Search")
    assert "I left before the last song" in one.page.inner_text("main")
    one.look_at("journal searched")
    assert not one.page.locator("text=Take it into a bond").count(), "there is no bond to take it into"
    one.go("/reflect/take/", "take without a bond")


def ladder(one: Alone) -> None:
    one.go("/reflect/ladders/", "ladders")
    one.fill(who="Mum")
    one.send("Begin a ladder")
    for thing, hard in (("That I left the choir.", "3"), ("That I am in debt.", "8"), ("That I miss our walks.", "1")):
        if not one.page.locator("main [name=thing]").is_visible():
            one.page.click("text=Add a rung")
        one.fill(thing=thing, hard=hard, fear="She will sigh.")
        one.send("Put it on the ladder")
    one.look_at("ladder")
    one.page.click("text=Add a rung")
    one.fill(thing="What he did in the cellar.", hard="10")
    one.page.check("[name=overwhelms]")
    one.send("Put it on the ladder")
    one.look_at("ladder overwhelms")
    press(one.page, ".rungs a >> nth=2")
    one.look_at("rung")
    one.fill(when="Sunday, washing up", how="side by side", words="Do you remember the canal?")
    press(one.page, "button[value=choose]")
    one.look_at("ladder with one chosen")
    for number, after in ((2, "0"), (1, "1")):
        if number == 1:
            press(one.page, ".rungs a >> nth=1")
        else:
            press(one.page, "text=I have said it")
        form = one.page.locator("form:has(button[value=tell])")
        if not form.is_visible():
            one.page.click("summary:has-text('said')")
        form.locator("[name=happened]").fill("She laughed and said she had guessed.")
        form.locator("[name=came][value=no]").check()
        form.locator("[name=surprise]").fill("7")
        form.locator("[name=hard]").fill(after)
        press(one.page, "button[value=tell]")
    one.look_at("ladder with a drawing")


def fear(one: Alone) -> None:
    one.go("/reflect/fears/", "fears")
    one.send("Begin")
    for step in range(9):
        if step in {0, 3, 6}:
            one.look_at(f"fear step {step}")
        field = one.page.locator("main textarea:visible")
        if not field.count():
            break
        field.first.fill("She will think that I am weak, and then she will be kind in that voice.")
        if one.page.locator("main [name=belief]:visible").count():
            one.fill(belief="60")
        press(one.page, "main form:has(textarea) button.button-primary")
    one.look_at("fear whole")
    press(one.page, "text=Put it on a ladder")
    one.look_at("ladders with a fear")
    press(one.page, "main .shelf a >> nth=0")
    assert "kind in that voice" in one.page.input_value("main [name=thing]") and one.page.input_value("main [name=fear]")
    one.look_at("ladder with a fear")


def own(one: Alone) -> None:
    one.go("/reflect/me/", "me empty")
    one.fill(comfort="Left alone for ten minutes, and then held.", soft="Being called dramatic.")
    one.send("Keep it for me")
    one.look_at("me")
    one.go("/reflect/around/", "around empty")
    for name, ring in (
        *(("Vera", 1), ("Uncle Tomas from the coast", 2), ("Choir on Tuesdays", 2), ("Dr. Hahn", 3)),
        *(("The neighbours upstairs", 3), ("Women’s walking group", 3), ("Grandmother in Tartu", 1)),
    ):
        one.fill(name=name, how="0171 …")
        one.page.check(f"[name=ring][value='{ring}']")
        press(one.page, "main form:has([name=ring]) button.button-primary")
    one.look_at("around")
    one.go("/reflect/good/", "good empty")
    one.fill(text="The long way home.")
    press(one.page, "main form:has([name=text]) button.button-primary")
    one.look_at("good")
    one.go("/reflect/kindness/", "kindness")
    one.go("/reflect/ask/", "ask empty")
    one.fill(saw="You never rang on Sunday.", felt="that you do not care", need="some certainty")
    one.fill(request="Could you text if it gets later?")
    press(one.page, "main form:has([name=saw]) button.button-primary")
    one.look_at("ask with blame")
    one.send("Rehearse it")
    one.look_at("rehearsals with a sentence")
    press(one.page, "main .shelf button >> nth=0")
    assert "You never rang on Sunday" in one.page.input_value("main [name=text]")
    one.look_at("rehearse with a sentence")
    one.go("/reflect/outside/", "outside")
    one.fill(facts="We argued about the keys.", friend="Both were tired.", hinders="My voice.", again="Then I sit down.")
    one.send("Keep it for me")
    one.look_at("outside written")
    one.go("/care/two-weeks/", "two weeks")
    one.page.check("main input[type=radio] >> nth=3")
    one.look_at("two weeks chosen")
    one.go("/reflect/", "reflect")
    one.go("/library/", "library")
    one.go("/you/", "settings")


@pytest.mark.parametrize("look", LOOKS)
def test_somebody_alone_uses_all_of_it(visit, look):
    width, scheme = look.split("-")
    visitor = visit(width=int(width), height=800, dark=scheme == "dark")
    visitor.page.goto(visitor.url + "/sign-up/")
    visitor.sign_up(f"alone-{look}")
    one = Alone(visitor, look)
    for part in (journal, ladder, fear, own):
        part(one)
    assert not one.wrong, "\n".join(one.wrong)


def test_a_ladder_by_keyboard_and_a_picture_without_script(visit):
    visitor = visit(script=False)
    page = visitor.page
    page.goto(visitor.url + "/sign-up/")
    visitor.sign_up("alone-plain")
    page.goto(visitor.url + "/reflect/write/")
    page.fill("main [name=text]", "Without script.")
    press(page, "main button:text-is('Keep it for me')")
    press(page, "text=Add a picture")
    page.set_input_files("#id_file", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photograph()})
    press(page, "main button:text-is('Keep it for me')")
    assert page.locator("main img").count() == 1
    page.goto(visitor.url + "/reflect/ladders/")
    page.focus("#id_who")
    page.keyboard.type("Ben")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text-is('Ben')")
    page.focus("#id_thing")
    page.keyboard.type("That I was proud of him.")
    for text in ("2", "He will joke."):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_selector(".rungs")
    assert "That I was proud of him." in page.inner_text(".rungs")
