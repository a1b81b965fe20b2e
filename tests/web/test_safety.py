"""What docs/safety.md promises: its tests exist, every room has asked how it could be used for control, and the words keep
the voice. Requirements are those of the table there."""

from __future__ import annotations

import re
from datetime import date, timedelta
from difflib import unified_diff
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from closeknit import vault
from closeknit.web import clock
from closeknit.web.care import urls as care_urls
from closeknit.web.care.lines import STALE_AFTER, Kind, load_lines
from closeknit.web.content import content_root
from closeknit.web.members.models import Member
from closeknit.web.moments import services as moments
from tests import words
from tests.http import PASSPHRASE
from tests.web.test_plaintext import every_value

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "safety.md").read_text("utf-8")
WEB = ROOT / "src" / "closeknit" / "web"
ROOMS = sorted(path.parent.name for path in WEB.glob("*/urls.py"))


# -- the page itself (27) ---------------------------------------------------------------------------------------------


def section(room: str) -> str:
    found = re.search(rf"^### `{room}`.*?\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_how_it_could_be_used_for_control(room):
    """How could someone who controls their partner use it? A room without its section is not ready, whatever else it has."""
    answers = re.findall(r"^- \*\*(.+?)\*\*(.*?)(?=^- |\Z)", section(room), re.DOTALL | re.MULTILINE)
    assert len(answers) >= 2, f"docs/safety.md has no section ### `{room}` with the ways it could be misused"
    for way, against in answers:
        assert len(against.split()) >= 10, f"{room}: what stands against “{way}”?"


def test_no_section_is_about_a_room_that_is_gone():
    assert set(re.findall(r"^### `(\w+)`", PAGE, re.MULTILINE)) == set(ROOMS)


def test_every_requirement_has_a_row_and_every_test_that_is_named_exists():
    rows = dict(re.findall(r"^\| (\d+) \|(.*)\|$", PAGE, re.MULTILINE))
    assert list(map(int, rows)) == list(range(1, 28))
    paths = list((ROOT / "tests").rglob("test_*.py"))
    files = {path.name for path in paths}
    tests = {name for path in paths for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)}
    for number, row in rows.items():
        named = re.findall(r"`((?:tests/)?[\w/]*test_\w+)(\.py)?`", row)
        for name, is_file in named:
            if is_file:
                assert f"{name.split('/')[-1]}.py" in files, f"{number}: {name}.py"
                assert "/" not in name or (ROOT / f"{name}.py").is_file(), f"{number}: {name}.py"
            else:
                assert name in tests, f"{number}: {name}"
        state = row.split("|")[1].strip()
        assert state in {"yes", "in part", "not built", "reviewed"}, f"{number}: {state}"
        assert named or state in {"not built", "reviewed"}, f"{number} is said to hold and names no test"


# -- words that never stand in this program (18, and the lint of the voice) -----------------------------------------------

BANNED = re.compile(
    r"\b(streaks?|missed|fail(?:s|ed|ing|ure)?|you haven't|behind|overdue|remind(?:ers?|s|ed)?|unread|seen|scores?|"
    r"compatib\w*|haven't answered|still waiting for you|waiting for your)\b|!|[\U0001f000-\U0001faff☀-➿]",
    re.IGNORECASE,
)
#: Words that may stand all the same, each with its reason. Empty: nothing has had one so far.
ALLOWED: dict[str, str] = {}


def test_no_word_that_shames_counts_or_cheers():
    wrong = [f"{where}: {message}" for where, message in words.said() if BANNED.search(message) and message not in ALLOWED]
    assert not wrong, "\n".join(wrong)
    assert not set(ALLOWED) - {message for _where, message in words.said()}, "allowed, and said nowhere"


def test_the_lint_reads_all_there_is_and_can_fail():
    said = words.said()
    assert len({message for _where, message in said}) > 600
    assert {"Quick exit", "Light or dark", "%(count)d days ago"} <= {message for _where, message in said}
    for bad in ("You missed a day", "Well done!", "3 unread", "Ana has seen it", "A reminder for you", "Great \U0001f389"):
        assert BANNED.search(bad), bad


def test_no_word_of_a_template_stands_outside_gettext():
    """What is not marked cannot be translated, and is read by no lint."""
    names = {"Closeknit"}
    for path in words.templates():
        text = path.read_text("utf-8")
        if path.suffix == ".txt":
            text = re.sub(r"^[\w./]+\s", " ", text, flags=re.MULTILINE)
        text = re.sub(r"\{% blocktranslate.*?%\}.*?\{% endblocktranslate %\}", " ", text, flags=re.DOTALL)
        text = re.sub(r"<style.*?</style>|<script.*?</script>|<!doctype html>", " ", text, flags=re.DOTALL | re.IGNORECASE)
        visible = re.findall(r"\b(?:title|alt|aria-label|placeholder)=\"([^\"]*)\"", text)
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", text, flags=re.DOTALL)
        text = re.sub(r"<[^>]*>|&\w+;|\.localhost\b", " ", text)
        plain = [re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", one) for one in visible]
        left = [one for one in re.findall(r"[^\W\d_]{2,}", " ".join([text, *plain])) if one not in names]
        assert not left, f"{path.relative_to(WEB)}: {left}"


def test_titles_hold_no_content():
    """10: what a tab, a history or a share sheet shows is the same for everyone."""
    for path in words.templates():
        text = path.read_text("utf-8")
        for title in re.findall(r"\{% block title %\}(.*?)\{% endblock %\}|<title>(.*?)</title>", text):
            if path.name == "paper_month.html":
                continue  # a page of one's own copy, on one's own disk
            assert "{{" not in "".join(title) and "blocktranslate" not in "".join(title), path.name


# -- how hard it is to read (UX 24) -----------------------------------------------------------------------------------


def test_sentences_are_short_and_read_without_effort():
    wrong, pages = [], {}
    for where, message in words.said():
        found = words.sentences(message)
        wrong += [f"{len(one)} words, {where}: {' '.join(one)}" for one in found if len(one) > 25]
        if sum(map(len, found)) >= 8:
            pages.setdefault(where, []).append(message)
            if words.grade([message]) > 8:
                wrong.append(f"grade {words.grade([message]):.1f}, {where}: {message}")
    wrong += [f"grade {words.grade(said):.1f}: {where}" for where, said in pages.items() if words.grade(said) > 8]
    assert not wrong, "\n".join(wrong)


def test_help_lines_read_without_effort():
    for country in load_lines([content_root() / "en" / "help" / "lines.yaml"], date(2026, 1, 1)):
        for line in country.lines:
            said = [one for one in (line.who, line.hours, line.cost, line.bill) if one]
            assert all(len(one) <= 25 for text in said for one in words.sentences(text)), line.name


def test_the_grade_can_fail():
    hard = "Utilisation of authentication credentials necessitates organisational authorisation procedures."
    easy = "Write a few words. Nobody sees them yet."
    assert words.grade([hard]) > 12 and words.grade([easy]) < 4
    # One known pair: "The cat sat on the mat." has six words of one syllable.
    assert abs(words.grade(["The cat sat on the mat."]) - (0.39 * 6 + 11.8 - 15.59)) < 1e-9


# -- Care (3, 8, 26) --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_opening_care_and_leaving_for_help_writes_nothing(cast):
    locked = Client()
    locked.post("/sign-in/", {"login": "ana", "password": PASSPHRASE})
    locked.post("/lock/")
    visitors = {"nobody": Client(), "a member": cast.ana.client, "locked": locked}
    near = [pattern.name for pattern in care_urls.urlpatterns if not pattern.name.startswith("leave")]
    assert len(near) >= 2
    before = every_value()
    for who, client in visitors.items():
        with clock.shifted(timedelta(minutes=3)):  # later than what a page notes once a minute
            answers = [client.get(reverse(name)) for name in near]
        # A signed-in page has the form that locks, and its token comes with a cookie that every such page sets.
        for answer in answers:
            assert answer.status_code == 200 and set(answer.cookies) <= (set() if who == "nobody" else {"ck-csrf"}), who
        assert every_value() == before, who
    with clock.shifted(timedelta(minutes=3)):
        cast.ana.client.get(f"/b/{cast.pair}/")
    assert every_value() != before, "another page does note that somebody is here"


@pytest.mark.django_db
def test_care_says_what_quick_exit_does_not_do_and_how_to_delete_history():
    page = Client().get("/care/").content.decode()
    for said in (
        "does not clear the browser&#x27;s history",
        "nothing against spying programs",
        "Ctrl+Shift+Delete",
        "on phones",
        "private window",
        "Shift three times",
    ):
        assert said in page or said.replace("&#x27;", "'") in page, said


@pytest.mark.django_db
def test_every_help_line_names_its_source_and_stale_ones_say_so(settings):
    path = content_root() / "en" / "help" / "lines.yaml"
    countries = load_lines([path], date(2026, 11, 25))
    lines = [line for country in countries for line in country.lines]
    assert len(countries) >= 40 and all(str(line.source).startswith("https://") for line in lines)
    assert all(line.hours and line.cost for line in lines), "hours and cost, before somebody dials"
    assert {kind for line in lines for kind in line.kind} == set(Kind) and all(line.kind for line in lines)
    assert sum(len(line.languages) >= 2 for line in lines) >= 6
    made = [line for line in lines if line.checked is not None]
    for line in made:
        late = load_lines([path], line.checked + STALE_AFTER + timedelta(days=1))
        assert not next(one for country in late for one in country.lines if one.name == line.name).fresh
    page = Client().get("/care/").content.decode()
    assert page.count('class="number"') == len(lines) and page.count("Read at") == len(lines)
    assert page.count("not checked lately") == sum(
        not (line.checked and clock.now().date() - line.checked <= STALE_AFTER) for line in lines
    )
    assert not re.search(r'(src|action|href)="(https?:)?//', page), "it works without a network"


# -- what others may notice (12, 13) ----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path, said",
    [
        ("/b/{bond}/go/", ("Nobody is told before it is done", "can see on their page that someone left", "/care/")),
        ("/b/{bond}/pause/", ("To the others it looks as if you had not answered yet",)),
        ("/b/{bond}/together/", ("Nobody sees who has", "afterwards it looks as if they had left")),
        ("/you/passphrase/", ("other sessions end", "may notice")),
        ("/you/keys/", ("Every other session of yours ends", "may notice", "see that your keys are new", "/care/")),
        ("/you/", ("Ending a session signs that device out. Whoever uses it may notice",)),
        ("/you/delete/", ("see that someone left",)),
        ("/you/kit/", ("Keep it where only you look",)),
        ("/recover/", ("all other sessions end", "may notice")),
    ],
)
def test_pages_say_before_it_is_done_what_others_may_notice(cast, path, said):
    circle = cast.circle()
    client = Client() if path == "/recover/" else cast.ana.client
    client.post("/confirm/", {"passphrase": PASSPHRASE})
    page = client.get(path.format(bond=circle)).content.decode()
    for one in said:
        assert one in page, one


# -- every reason looks the same (2) ----------------------------------------------------------------------------------


def difference(one: str, other: str) -> list[str]:
    return list(unified_diff(one.splitlines(), other.splitlines(), n=0, lineterm=""))




@pytest.mark.django_db
def test_why_somebody_is_silent_costs_the_others_page_nothing_and_changes_nothing(cast, monkeypatch):
    """Same bytes, same number of queries, same number of envelopes opened, whatever the reason of a silence."""
    moment = cast.first_moment(cast.ana).id
    base, client = f"/b/{cast.pair}/m/{moment}/", cast.ana.client
    opened, true = [], vault.open_envelope

    def counting(*args, **kwargs):
        opened.append(1)
        return true(*args, **kwargs)

    monkeypatch.setattr(vault, "open_envelope", counting)

    def jonas_gets():
        found = []
        for path in (f"/b/{cast.pair}/", base, f"/b/{cast.pair}/us/", f"/b/{cast.pair}/thread/"):
            opened.clear()
            with CaptureQueriesContext(connection) as queries:
                page = cast.jonas.client.get(path).content.decode()
            page = re.sub(r'nonce="[^"]*"|csrfmiddlewaretoken" value="[^"]*"', "", page)
            found.append((re.sub(r'data-live="bond:[^"]*" data-version="\d+"', "", page), len(queries), len(opened)))
        return found

    jonas_gets()  # his first page settles what his coming by makes possible
    idle = jonas_gets()
    assert all(count > 2 and envelopes > 2 for _page, count, envelopes in idle)
    reasons = {
        "reading": lambda: client.get(base),
        "writing": lambda: client.post(base + "draft/", {"text": "half a thought"}),
        "passing": lambda: client.post(base + "pass/"),
        "resting": lambda: client.post(f"/b/{cast.pair}/pause/", {"do": "rest"}),
        "back again": lambda: client.post(f"/b/{cast.pair}/pause/", {"do": "back"}),
        "another depth": lambda: client.post(f"/b/{cast.pair}/depth/", {"level": "3", "avoid": ["loss"]}),
        "locked": lambda: client.post("/lock/"),
        "signed out": lambda: client.post("/sign-out/"),
    }
    for why, act in reasons.items():
        act()
        now = jonas_gets()
        for before, after in zip(idle, now, strict=True):
            assert before[0] == after[0], f"{why}: {difference(before[0], after[0])}"
            assert before[1:] == after[1:], f"{why}: other queries, or other envelopes"
    # An answer that is not told of is an event all the same, and one more envelope to open; nothing else differs.
    moments.answer_share(cast.ana.bond(cast.pair), moment, "mine", told=False)
    for before, after in zip(idle, jonas_gets(), strict=True):
        assert before[:2] == after[:2] and after[2] - before[2] in {0, 1}


def test_there_is_no_admin_site():
    """23: no host tool opens content, and none acts as a member."""
    assert "django.contrib.admin" not in settings.INSTALLED_APPS
    assert "last_login" not in {field.name for field in Member._meta.fields}
