"""Every page in a language that is longer and has accents, and in one that is written from the right.

The language is made here, from whatever the program says as it says it: each letter with an accent, 40 % longer. So what
still stands in plain letters has escaped gettext. Pages are answered by the program inside this process; the browser lays
them out.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeData, mark_safe

from closeknit.method import scripts
from closeknit.method.ladder import Came, Ladder, Outcome, Plan, Rung
from closeknit.method.worry import BELIEVED, ORDER, Worry
from closeknit.web import clock
from closeknit.web.bonds import private
from closeknit.web.bonds import services as bonds
from closeknit.web.bonds.models import PrivateWord
from closeknit.web.care.lines import load_lines
from closeknit.web.coach.views import mark
from closeknit.web.content import content_root, feelings, questions, rehearsals, tips
from closeknit.web.content import library as lessons
from closeknit.web.dialogues import library
from closeknit.web.moments import deck
from closeknit.web.moments import services as moments
from closeknit.web.reflect import gallery, sheets
from closeknit.web.reflect.images import Made
from closeknit.web.reflect.sheets import SheetKind
from closeknit.web.reflect.views import mark as lesson_mark
from tests.cast import PASSPHRASE, Cast, Person
from tests.web import talk
from tests.web.test_matrix import url_names

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
HOST = "http://testserver"
ACCENTS = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "áƀçđéƒğĥíĵķłɱñöþǫřšŧúṽŵẋýžÁƁÇĐÉƑĞĤÍĴĶŁṀÑÖÞǪŘŠŦÚṼŴẊÝŽ",
)
#: What a translation has to leave as it is.
_KEPT = re.compile(r"(%\(\w+\)[sd]|%%|%[sd]|\{\w+\}|<[^>]+>|&\w+;|https?://\S*|\.localhost\b)")
#: For those who build; no page but a stream or a file; and what would end the session.
NO_PAGES = {"style", "live", "export", "leave"}
PLAIN = re.compile(r"[A-Za-z]{2,}")
TEXTS = """() => {
  const found = [], skip = "script, style, [translate=no], #id_zone, textarea, .kit";
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest(skip)) found.push(walk.currentNode.data);
  for (const one of document.querySelectorAll("*")) if (!one.closest(skip))
    for (const name of ["title", "alt", "aria-label", "placeholder", "data-news", "data-changed", "data-hide", "data-plain"])
      if (one.hasAttribute(name)) found.push(one.getAttribute(name));
  return found.map(text => text.trim()).filter(Boolean);
}"""


def longer(text: str) -> str:
    """A message in the made-up language: accents, and two fifths more of it, in words as long as its own."""
    parts = [part if index % 2 else part.translate(ACCENTS) for index, part in enumerate(_KEPT.split(text))]
    more = max(2, -(-len(_KEPT.sub("", text)) * 2 // 5))
    tail = ("ëñ" * 3)[:more] if more <= 6 else " " + " ".join(["lóñğëř"] * -(-more // 7))
    return "".join(parts) + tail


def speak(message: Any, *_more: Any) -> str:
    made = longer(str(message)) if str(message).strip() else str(message)
    return mark_safe(made) if isinstance(message, SafeData) else made


@pytest.fixture
def made_up(monkeypatch) -> None:
    """Every message that anything asks for from now on is in the made-up language."""
    spoken = translation._trans
    monkeypatch.setattr(spoken, "gettext", speak, raising=False)
    monkeypatch.setattr(spoken, "pgettext", lambda _context, message: speak(message), raising=False)
    monkeypatch.setattr(spoken, "ngettext", lambda one, many, n: speak(one if n == 1 else many), raising=False)
    monkeypatch.setattr(spoken, "npgettext", lambda _c, one, many, n: speak(one if n == 1 else many), raising=False)


@pytest.fixture
def from_the_right(monkeypatch) -> None:
    """The present language says that it is written from the right."""
    monkeypatch.setattr(translation._trans, "get_language_bidi", lambda: True, raising=False)


class Scene(Cast):
    """Ana's places in every state that her pages have."""

    def __init__(self) -> None:
        super().__init__()
        first = self.first_moment(self.ana).id
        self.both_answer(first)
        opened = self.ana.bond(self.pair)
        self.own = moments.own_prompt_write(opened, "0123 4567?")
        waiting = moments.moment_open(opened, {"text": "89?", "level": 1}).id
        moments.answer_share(opened, waiting, "0000")
        writing = moments.moment_open(opened, {"text": "98?", "level": 2}).id
        moments.answer_share(self.jonas.bond(self.pair), writing, "1111")
        self.circle_id = self.circle()
        circle = self.ana.bond(self.circle_id)
        bonds.invitation_create(circle)
        in_circle = self.first_moment(self.ana, self.circle_id).id
        moments.answer_share(self.jonas.bond(self.circle_id), in_circle, "2222")
        lonely = bonds.bond_create(
            self.ana.member, self.ana.keyring, kind="family", leave_rule="leave", name="33", own_name="Ana", thread="teal"
        )
        self.invitation, self.secret = bonds.invitation_create(lonely)
        private.words_keep(self.ana.member.pk, self.ana.keyring, [(None, {"text": "4444", "at": None})])
        self.rung = self.sheets()
        deck.offer_next(self.ana.bond(self.pair))
        now = talk.ask(self, "good-news").begin()
        now.say("5555")
        self.talks = [now]
        with clock.shifted(timedelta(minutes=1)):
            over = talk.ask(self, "good-news").begin()
            over.say("6666")
            over.post(self.ana, "end")
            over.post(self.ana, "agree", text="7777", back="7")
            asked = talk.ask(self, "good-news", self.jonas, self.ana)
            self.talks += [over, asked]
        self.ids: dict[str, Any] = {
            "bond_id": self.pair,
            "dialogue_id": now.id,
            "mark": talk.start_of(self.ana, self.pair, "good-news").split("/")[-2],
            "moment_id": first,
            "member_id": self.jonas.member.pk,
            "invitation_id": self.invitation.id,
            "prompt_id": self.own.id,
            "word_id": PrivateWord.objects.get(member=self.ana.member).pk,
            "sheet_id": self.ladder,
            "rung_id": self.rung,
            "token": "5",
            "name": mark(self.ana.keyring, rehearsals()[0]),
        }
        self.states = [(self.pair, first), (self.pair, waiting), (self.pair, writing), (self.circle_id, in_circle)]

    def sheets(self) -> str:
        """A ladder with a rung in each state, and one of every other sheet; returns a rung that waits."""
        keyring, member = self.ana.keyring, self.ana.member
        rungs = [Rung(str(uuid.uuid4()), str(number) * 3, number) for number in (2, 3, 4, 5)]
        ladder = Ladder("11")
        for rung in rungs:
            ladder = ladder.add(rung, overwhelms=False)
        for rung in rungs[:2]:
            ladder = ladder.tell(rung.id, Outcome("22", Came.NO, 1, 5))
        ladder = ladder.choose(rungs[2].id, Plan("1", "2", "3"))
        self.told = rungs[0].id
        self.ladder = sheets.sheet_new(keyring, member, SheetKind.LADDER, ladder.to_payload())
        worry = Worry({})
        self.worries = [sheets.sheet_new(keyring, member, SheetKind.WORRY, worry.to_payload())]
        for step in ORDER[:-1]:
            worry = worry.answer(step, "00", 50 if step in BELIEVED else None)
        self.worries.append(sheets.sheet_new(keyring, member, SheetKind.WORRY, worry.to_payload()))
        line = {"id": "1", "name": "00", "ring": "2", "how": "0", "why": "1", "text": "2", "when": "low"}
        lines = {"lines": [line]}
        for kind, holds in ((SheetKind.MAP, lines), (SheetKind.HELPS, lines), (SheetKind.ME, {"low": "0"})):
            sheets.sheet_new(keyring, member, kind, holds)
        about = {"text": "00", "kind": "journal", "at": clock.now().isoformat(), "prompt": "0?"}
        about |= {"feelings": ["sad"], "tags": ["0"]}
        private.words_keep(self.jonas.member.pk, self.jonas.keyring, [(None, about)])
        self.entry = PrivateWord.objects.get(member=self.jonas.member).pk
        gallery.picture_keep(self.jonas.keyring, self.jonas.member, self.entry, Made(b"0", 400, 300), "00")
        return rungs[3].id

    def data(self) -> list[str]:
        """Everything on the pages that no translation touches: names, prompts, help lines, the program's name."""
        found = ["Closeknit", "Ana & Jonas", "Sunday table", "Ana", "Jonas", "Cleo", "Eve", "ana", "Ana's answer"]
        found += ["Jonas's answer", "testserver", "You never", "never", "felt", "Ctrl+Shift+Delete", "HTTP", "QR"]
        for prompt in deck.the_deck().prompts:
            found += [prompt.text, prompt.why, prompt.stay, *prompt.start]
        for script in library.the_scripts().values():
            # A name stands where a placeholder stood: what is around it is known.
            for _where, text in scripts.texts(script):
                found += [piece for piece in re.split(r"\{\w+\}", text) if PLAIN.search(piece)]
        for one in rehearsals():
            turns = [line for turn in one.turns for line in turn.model_dump().values()]
            found += [one.title, one.person, one.about, one.aim, one.opening, *turns]
        for rule in tips().rules:
            pieces = [piece for line in rule.say for piece in re.split(r"\{\w+\}|\*", line) if PLAIN.search(piece)]
            found += [*pieces, rule.why, *tips().sources.values()]
        found += list(read_in_the_library())
        for country in load_lines([content_root() / "en" / "help" / "lines.yaml"], date(2026, 1, 1)):
            found.append(country.name)
            for line in country.lines:
                found += [line.name, line.contact, line.who, line.hours, line.cost, line.bill, str(line.source)]
                found += [", ".join(line.languages)]
        return sorted((one for one in found if one), key=len, reverse=True)


def read_in_the_library() -> Iterator[str]:
    """The words of lessons, needs, rules and evidence, cut where a page puts something between."""
    books = lessons()
    for lesson in books.lessons:
        yield from (lesson.title, lesson.says, lesson.attempt.text)
        pieces = re.split(r"\*\*|\*|\[[a-z0-9; -]+\]|\n[>\s]*|^> ", lesson.body)
        yield from (piece.strip() for piece in pieces if PLAIN.search(piece))
        for check in lesson.checks:
            yield check.ask
            yield from (text for option in check.options for text in (option.says, option.answer))
    for family in feelings():
        yield from (family.says, family.body, family.need, *family.words)
    yield from (one.text for one in questions())
    yield from (need.says for need in books.needs)
    yield from (rule.why for rule in books.suggestions)
    for claim in books.evidence.claims:
        yield from (claim.about, claim.say, claim.size, claim.who, claim.against)
    yield from (text for source in books.evidence.sources.values() for text in (source.short, source.where))


class Stage:
    """A browser that shows answers which the program gave in this process."""

    def __init__(self, chromium: Any, width: int) -> None:
        self.context = chromium.new_context(viewport={"width": width, "height": 740}, reduced_motion="reduce")
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.answer: Any = None
        self.context.route("**/*", self._fulfil)

    def _fulfil(self, route: Any) -> None:
        path = route.request.url.removeprefix(HOST)
        if path.startswith("/static/"):
            file = finders.find(path.removeprefix("/static/").split("?")[0])
            route.fulfill(path=str(file)) if file else route.abort()
        elif route.request.is_navigation_request():
            headers = {name: value for name, value in self.answer.headers.items() if name != "Location"}
            route.fulfill(status=200, headers=headers, body=self.answer.content)
        else:
            route.abort()

    def show(self, path: str, answer: Any) -> Any:
        """The page as its browser lays it out, with everything unfolded but the list of bonds, which lies above it."""
        self.answer = answer
        self.page.goto(HOST + path)
        self.page.evaluate("for (const one of document.querySelectorAll('details:not(.switch)')) one.open = true")
        return self.page


@pytest.fixture
def stage(chromium) -> Iterator[Any]:
    stages = []

    def make(width: int = 360) -> Stage:
        stages.append(Stage(chromium, width))
        return stages[-1]

    yield make
    for one in stages:
        one.context.close()


def every_page(scene: Scene) -> Iterator[tuple[str, str, Any]]:
    """(what, path, the answer): all that answers with a page, found by its address."""
    ana, nobody, invited = scene.ana.client, Client(), Client()
    for client in (ana, nobody, invited):
        client.raise_request_exception = False
    ana.post("/confirm/", {"passphrase": PASSPHRASE})
    invited.post(f"/join/{scene.invitation.id}/", {"secret": bonds.invitation_words(scene.secret)})
    for name, pattern in url_names().items():
        if name in NO_PAGES or not set(pattern.pattern.converters) <= set(scene.ids):
            continue
        path = reverse(name, kwargs={key: scene.ids[key] for key in pattern.pattern.converters})
        for who, client in (("Ana", ana), ("nobody", nobody), ("invited", invited)):
            answer = client.get(path)
            if answer.status_code in {200, 403, 404, 410} and (who != "invited" or "join" in name):
                yield f"{name} for {who}", path, answer
    pair, circle = f"/b/{scene.pair}/", f"/b/{scene.circle_id}/"
    rehearsal = f"/rehearse/{scene.ids['name']}/"
    said = f"/reflect/ladders/{scene.ladder}/{scene.told}/"
    yield "a reply", rehearsal, ana.post(rehearsal, {"do": "see", "text": "It sounds like 0, and 1 makes sense."})
    yield "no reply", rehearsal, ana.post(rehearsal, {"do": "see", "text": ""})
    yield "the end", rehearsal, ana.post(rehearsal, {"said": ["0", "1", "2"]})
    for lesson in ("when-not-safe", "time-that-counts", "listening-steps"):
        path = reverse("lesson", args=[lesson_mark(scene.ana.keyring, lessons().by_id[lesson])])
        yield "a lesson", path, ana.get(path)
    yield "a rung that was said", said, ana.get(said)
    for path, sent in {
        "/reflect/ladders/": {},
        said: {"do": "tell"},
        f"/reflect/ladders/{scene.ladder}/": {"thing": "0", "hard": "3", "overwhelms": "on"},
        f"/reflect/fears/{scene.worries[1]}/": {"step": "thought", "belief": "101"},
        "/reflect/ask/": {"saw": "You never 0", "felt": "0", "need": "1", "request": "2"},
        "/reflect/around/": {},
        "/reflect/good/": {},
        "/reflect/outside/": {"facts": "0"},
        "/reflect/me/": {"low": "0" * 20_001},
        "/reflect/take/": {"text": "0", "line": ""},
        "/reflect/journal/": {"q": "0"},
    }.items():
        yield "of Reflect", path, ana.post(path, sent)
    for sheet in scene.worries:
        yield "a fear", f"/reflect/fears/{sheet}/", ana.get(f"/reflect/fears/{sheet}/")
    journal = scene.jonas.client.get("/reflect/journal/")
    yield "a journal", "/reflect/journal/", journal
    pictures = f"/reflect/pictures/{scene.entry}/"
    yield "pictures", pictures, scene.jonas.client.get(pictures)
    for sent in ({}, {"file": ContentFile(b"0", "0.jpg")}):
        yield "no picture", pictures, scene.jonas.client.post(pictures, sent)
    yield "an entry that does not fit", "/reflect/write/", ana.post("/reflect/write/", {"text": "", "own": "0"})
    yield "what was looked for", "/library/", ana.post("/library/", {"q": "good"})
    yield "nothing found", "/library/", ana.post("/library/", {"q": "0"})
    yield "before the coach is chosen", f"{pair}land/", ana.post(f"{pair}land/", {"text": "0", "situation": "prompt"})
    ana.post("/coach/", {"use": "tips"})
    for text in ("I felt 0 and it makes sense that you never 1.", "", "I want to die tonight."):
        yield "how it may land", f"{pair}land/", ana.post(f"{pair}land/", {"text": text, "situation": "respond"})
    asked = [f"/b/{bond}/m/{moment}/" for bond, moment in scene.states]
    asked += [circle + one for one in ("us/", "depth/", "invite/", "together/", "go/", "thread/", "")]
    for path in (*asked, "/you/export/"):
        yield "in another state", path, ana.get(path)
    for one in scene.talks:
        yield "a talk", one.path, ana.get(one.path)
    yield "no such page", "/nothing-here/", nobody.get("/nothing-here/")
    for path in ("/sign-up/", "/sign-in/", "/recover/"):
        yield "with errors", path, nobody.post(path, {"username": "?", "password1": "x"})
    own = ("/you/", "/you/passphrase/", "/bonds/new/", "/confirm/", "/you/keys/")
    for path in (*own, f"{pair}us/", f"{pair}prompts/", f"{pair}depth/"):
        yield "with errors", path, ana.post(path, {"thread": "0", "level": "9"})
    waiting, writing = (f"{pair}m/{scene.states[index][1]}/share/" for index in (1, 2))
    yield "with errors", writing, ana.post(writing, {"text": ""})
    yield "too long", writing, ana.post(writing, {"text": "0" * 20_001})
    yield "refused", f"{asked[0]}say/", ana.post(f"{asked[0]}say/", {"to": scene.jonas.id, "text": "0"})
    yield "again", waiting, ana.post(waiting, {"text": ""})
    yield "searched", f"{pair}thread/search/", ana.post(f"{pair}thread/search/", {"words": "0000"})
    young = Person("Mia", under_18=True)
    young.client.post("/confirm/", {"passphrase": PASSPHRASE})
    for path in ("/you/", "/you/age/", "/bonds/new/"):
        yield "under 18", path, young.client.get(path)
    ana.post(f"{pair}pause/", {"do": "rest"})
    yield "resting", pair, ana.get(pair)
    ana.post("/lock/")
    yield "locked", pair, ana.get(pair)


def too_wide(page: Any) -> list[str]:
    """What sticks out of the screen, to either side."""
    if not page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        return []
    return page.evaluate(
        """() => [...document.querySelectorAll("body *")]
        .filter(one => one.checkVisibility() && !one.closest(".visually-hidden"))
        .filter(one => { const box = one.getBoundingClientRect(); return box.right > innerWidth + 1 || box.left < -1 })
        .slice(0, 4).map(one => `${one.tagName} ${one.className} ${one.innerText?.slice(0, 30)}`) || ["something"]"""
    ) or ["something"]


def under_each_other(page: Any) -> list[str]:
    """What Quick exit lies on, and words that stick out of their own button, label or tab."""
    return page.evaluate(
        """() => {
          const box = one => one.getBoundingClientRect(), found = [], exit = document.querySelector("#exit");
          for (const one of document.querySelectorAll(".top a, .top button, .top summary")) {
            const a = box(one), b = exit ? box(exit) : null;
            const across = b && a.left < b.right - 1 && b.left < a.right - 1;
            if (across && one.checkVisibility() && a.top < b.bottom && b.top < a.bottom)
              found.push(`Quick exit lies on ${one.className || one.innerText}`);
          }
          const boxes = "label:not(.visually-hidden), button, summary, .tabs a, #exit, [class^=button]";
          for (const one of document.querySelectorAll(boxes))
            if (one.checkVisibility() && one.scrollWidth > one.clientWidth + 1 && one.clientWidth)
              found.push(`sticks out of its box: ${one.innerText.slice(0, 40)}`);
          return found;
        }"""
    )


def test_the_made_up_language_is_what_it_says():
    text = 'Ana has <a href="/x">%(count)d</a> things &amp; 40%% of them, at https://example.org/x'
    made = longer(text)
    for plain in ("You", "Quick exit", "Nobody is told before it is done.", "What only all can decide, and what one can"):
        assert 1.35 * len(plain) <= len(longer(plain)) <= 2 * len(plain)
    for kept in ('<a href="/x">', "%(count)d", "&amp;", "%%", "https://example.org/x"):
        assert kept in made
    assert not PLAIN.search(_KEPT.sub("", made)) and longer("Go") != "Go"


def test_what_is_too_wide_or_not_translated_is_found(stage, db):
    page = stage().show("/care/", Client().get("/care/"))
    assert not too_wide(page) and any(PLAIN.search(text) for text in page.evaluate(TEXTS))
    page.evaluate("document.querySelector('main p').style.cssText = 'width: 900px'")
    assert too_wide(page)
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert too_wide(page), "to the left, too"


def test_longer_words_fit_a_phone_and_none_escapes_translation(stage, made_up, db):
    scene, one, wrong, pages = Scene(), stage(), [], 0
    data = scene.data()
    for what, path, answer in every_page(scene):
        page = one.show(path, answer)
        pages += 1
        wrong += [f"{what} ({path}): {one}" for one in under_each_other(page)]
        wide = too_wide(page)
        wrong += [f"{what} ({path}): wider than the screen: {wide}"] if wide else []
        for text in page.evaluate(TEXTS):
            left = text
            for known in data:
                left = left.replace(known, " ")
            left = re.sub(r"https?://\S*|/[\w/.-]+|[0-9a-f]{8}-[0-9a-f-]{27}", " ", left)
            if PLAIN.search(left):
                wrong.append(f"{what} ({path}): not translated: {text[:120]!r}")
    assert pages > 70
    assert not wrong, "\n".join(dict.fromkeys(wrong))


@pytest.mark.parametrize("width", [360, 1280])
def test_pages_written_from_the_right_fit_too(stage, from_the_right, db, width):
    scene, one, wrong, pages = Scene(), stage(width), [], 0
    for what, path, answer in every_page(scene):
        page = one.show(path, answer)
        pages += 1
        wrong += [f"{what} ({path}): {one}" for one in under_each_other(page)]
        wide = too_wide(page)
        wrong += [f"{what} ({path}): wider than the screen: {wide}"] if wide else []
        if page.evaluate("document.documentElement.dir") != "rtl":
            wrong.append(f"{what} ({path}): not from the right")
        exit_ = page.locator("#exit")
        if exit_.count() and (box := exit_.bounding_box()) and (box["x"] < 0 or box["x"] + box["width"] > width):
            wrong.append(f"{what} ({path}): Quick exit out of the screen")
    assert pages > 70
    assert not wrong, "\n".join(dict.fromkeys(wrong))


