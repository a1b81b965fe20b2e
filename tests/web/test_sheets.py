"""What one works on alone in Reflect: sealed, for its writer alone, and never pressing."""

from __future__ import annotations

import html
import io
import re
import uuid
import zipfile
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.html import escape
from PIL import Image

from closeknit.method.ladder import Came, Ladder, Outcome, Rung
from closeknit.web import clock
from closeknit.web.bonds import private
from closeknit.web.bonds.models import Item, PrivateWord
from closeknit.web.content import questions
from closeknit.web.moments.models import Draft, Moment
from closeknit.web.reflect import journal, pictures, sheets
from closeknit.web.reflect.models import Sheet
from closeknit.web.sealed.kinds import Reading
from closeknit.web.taking import copying, opening
from tests.cast import Person

from .test_taking import CHECK

pytestmark = pytest.mark.django_db


def get(person, path: str, status: int = 200) -> str:
    answer = person.client.get(path)
    assert answer.status_code == status, answer.status_code
    return answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')


def send(person, path: str, status: int = 302, **values) -> str:
    answer = person.client.post(path, values)
    assert answer.status_code == status, (answer.status_code, re.findall(r'class="error">([^<]*)', answer.content.decode()))
    return answer.url if status == 302 else answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')


# -- ladder -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ladder(cast) -> str:
    """The address of a ladder of Ana's with three rungs."""
    path = send(cast.ana, "/reflect/ladders/", who="Mum")
    for thing, hard in (("That I left the choir.", 3), ("That I am in debt.", 8), ("That I miss our walks.", 1)):
        assert send(cast.ana, path, thing=thing, hard=hard, fear="She will sigh.") == path
    return path


def rungs(page: str) -> list[tuple[str, str]]:
    """(address, words) from the top of the ladder down."""
    part = page.split('class="rungs')[1].split("</ol>")[0]
    return re.findall(r'<a href="([^"]+)">([^<]+)</a>', part)


def test_a_ladder_from_its_first_rung_to_what_came_of_it(cast, ladder):
    page = get(cast.ana, ladder)
    words = [words for _url, words in rungs(page)]
    assert words == ["That I am in debt.", "That I left the choir.", "That I miss our walks."]
    assert "A small one to begin with" in page and "That I left the choir." in page.split('class="try"')[1][:200]
    choir = rungs(page)[1][0]
    send(cast.ana, choir, do="choose", when="Sunday, washing up", how="side by side", words="About the choir")
    page = get(cast.ana, ladder)
    assert "You chose this one" in page and "Sunday, washing up" in page
    send(cast.ana, choir, do="tell", happened="She laughed and said she had guessed.", came="no", surprise="9", hard="0")
    page = get(cast.ana, ladder)
    assert "This would come next, if you like" in page and "<td>3</td><td>0</td><td>no</td>" in page
    assert "Of 2 things" not in page, "one thing is no chart"
    send(cast.ana, rungs(page)[1][0], do="tell", happened="She said she does too.", came="no", surprise="4", hard="0")
    assert "Of 2 things, 2 would be easier to say now" in get(cast.ana, ladder)


def test_what_was_feared_and_came_leads_to_rest_and_never_upwards(cast, ladder):
    walks = rungs(get(cast.ana, ladder))[2][0]
    send(cast.ana, walks, do="tell", happened="She left the room.", came="yes", surprise="2", hard="6")
    page = get(cast.ana, ladder)
    assert "It does not have to be followed by anything" in page and "This would come next" not in page


def test_what_overwhelms_is_not_kept_and_care_is_named(cast, ladder):
    page = send(cast.ana, ladder, 422, thing="What he did that summer.", hard=9, overwhelms="on")
    assert "not put on the ladder" in page and 'href="/care/"' in page and "What he did that summer." in page
    assert "that summer" not in get(cast.ana, ladder)
    choir = rungs(get(cast.ana, ladder))[1][0]
    page = send(cast.ana, choir, 422, do="change", thing="That summer.", hard=9, overwhelms="on")
    assert "not put on the ladder" in page and "That summer." in page and "That summer." not in get(cast.ana, ladder)


def test_a_rung_is_changed_taken_away_put_back_and_the_ladder_put_aside(cast, ladder):
    choir = rungs(get(cast.ana, ladder))[1][0]
    send(cast.ana, choir, do="change", thing="The choir, and why.", hard=9, fear="", helps="A letter")
    assert rungs(get(cast.ana, ladder))[0][1] == "The choir, and why."
    send(cast.ana, choir, do="choose", when="", how="", words="")
    assert "You chose this one" in get(cast.ana, ladder)
    send(cast.ana, f"{ladder}do/", do="back")
    assert "You chose this one" not in get(cast.ana, ladder)
    send(cast.ana, f"{ladder}do/", do="stop")
    assert "You put this ladder aside" in get(cast.ana, ladder) and "put aside" in get(cast.ana, "/reflect/ladders/")
    # Another page that is still open does not climb on.
    assert send(cast.ana, choir, do="tell", happened="x", came="no", surprise="1", hard="1") == ladder
    assert "You put this ladder aside" in get(cast.ana, ladder)
    send(cast.ana, f"{ladder}do/", do="go-on")
    send(cast.ana, choir, do="remove")
    assert "The choir" not in get(cast.ana, ladder)
    send(cast.ana, f"{ladder}do/", do="delete")
    assert not Sheet.objects.exists() and cast.ana.client.get(ladder).status_code == 404


def test_a_ladder_is_its_writers_alone(cast, ladder):
    choir = rungs(get(cast.ana, ladder))[1][0]
    for path in (ladder, choir):
        assert cast.jonas.client.get(path).status_code == 404
    for path, values in ((ladder, {"thing": "x", "hard": 1}), (choir, {"do": "remove"}), (f"{ladder}do/", {"do": "delete"})):
        assert cast.jonas.client.post(path, values).status_code == 404
    assert "Mum" not in get(cast.jonas, "/reflect/ladders/") and "Mum" in get(cast.ana, "/reflect/ladders/")
    row = Sheet.objects.get()
    assert not any(word in bytes(row.body) for word in (b"Mum", b"choir", b"ladder"))


@pytest.mark.parametrize(
    "bad",
    [{"thing": "", "hard": 3}, {"thing": "x", "hard": 11}, {"thing": "x", "hard": ""}, {"thing": "x" * 20_001, "hard": 1}],
)
def test_a_rung_that_does_not_fit_keeps_what_was_typed(cast, ladder, bad):
    page = send(cast.ana, ladder, 422, fear="typed by me", **bad)
    assert "typed by me" in page and page.count('class="error"') >= 1 and "<title>Error:" in page
    assert len(rungs(get(cast.ana, ladder))) == 3


def test_the_drawing_has_both_ends_of_each_thing():
    one = Ladder("x")
    for number, (before, after) in enumerate(((6, 2), (10, 10))):
        one = one.add(Rung(str(number), "y", before), overwhelms=False).tell(str(number), Outcome("z", Came.NO, after, 0))
    chart = pictures.before_and_after(one)
    assert chart is not None and chart.easier == 1
    assert [(pair.before, pair.after) for pair in chart.pairs] == [(6, 2), (10, 10)]
    assert all(0 < pair.x_after <= pair.x_before < pictures.WIDTH and 0 < pair.y < chart.height for pair in chart.pairs)


# -- a fear looked at -------------------------------------------------------------------------------------------------------

SAID = {
    "wish": "Tell Ben I'm lonely.",
    "thought": "He will think I blame him.",
    "for": "He went quiet in May.",
    "against": "He asked twice how I am.",
    "friend": "Ring him.",
    "view": "He may be glad to know.",
    "small": "If we walk on Sunday, I say one sentence.",
}


def test_a_fear_goes_from_step_to_step_and_waits_for_afterwards(cast):
    path = send(cast.ana, "/reflect/fears/")
    for number, (step, text) in enumerate(SAID.items(), start=1):
        assert f"{number} of 8" in get(cast.ana, path)
        send(cast.ana, path, step=step, text=text, **({"belief": "80"} if step == "thought" else {"belief": "45"}))
    page = get(cast.ana, path)
    assert all(escape(text).replace("&#x27;", "'") in page for text in SAID.values())
    assert "You believed your first thought 80 of 100, and later 45" in page and "It need not happen" in page
    send(cast.ana, path, step="after", text="He hugged me.", belief="10")
    page = get(cast.ana, path)
    assert "He hugged me." in page and "later 10" in page and "It need not happen" not in page
    send(cast.ana, path, step="wish", text="Tell Ben.")
    assert "Tell Ben." in get(cast.ana, path)
    assert cast.jonas.client.get(path).status_code == 404 and SAID["thought"] in get(cast.ana, "/reflect/fears/")
    send(cast.ana, f"{path}delete/")
    assert not Sheet.objects.exists()


def test_a_fear_brings_its_words_to_a_ladder(cast):
    path = send(cast.ana, "/reflect/fears/")
    send(cast.ana, path, step="wish", text="Tell Ben I'm lonely.")
    send(cast.ana, path, step="thought", text="He will think\r\nI blame him.", belief="80")
    sheet = path.split("/")[-2]
    for step in ("for", "against", "friend", "view", "small"):
        send(cast.ana, path, step=step, text="x", belief="45")
    assert f'href="/reflect/ladders/?fear={sheet}"' in get(cast.ana, path)
    page = get(cast.ana, f"/reflect/ladders/?fear={sheet}")
    assert "Tell Ben I'm lonely." in page and "On whose ladder" in page
    ladder = send(cast.ana, f"/reflect/ladders/?fear={sheet}", who="Ben")
    assert ladder.endswith(f"?fear={sheet}")
    page = get(cast.ana, ladder)
    assert "Tell Ben I'm lonely.</textarea>" in page and 'value="He will think I blame him."' in page
    assert "<details id=\"rung\" open>" in page
    # It is a beginning: what is sent is what is typed, and afterwards nothing comes along any more.
    plain = send(cast.ana, ladder, thing="That I'm lonely.", hard=4, fear="")
    assert plain == ladder.split("?")[0] and "Tell Ben" not in get(cast.ana, plain)
    assert f'href="{plain}?fear={sheet}"' in get(cast.ana, f"/reflect/ladders/?fear={sheet}")
    # Somebody else's fear, one that is gone and one that is none bring nothing.
    for wanted in (sheet, "0" * 32, "x", ladder.split("/")[-2]):
        page = get(cast.jonas if wanted == sheet else cast.ana, f"/reflect/ladders/?fear={wanted}")
        assert "On whose ladder" not in page and "lonely" not in page


def test_a_step_that_is_not_reached_cannot_be_opened_or_sent(cast):
    path = send(cast.ana, "/reflect/fears/")
    assert "1 of 8" in get(cast.ana, f"{path}?step=small")
    send(cast.ana, path, step="wish", text="x")
    page = send(cast.ana, path, 422, step="thought", text="kept here", belief="200")
    assert "kept here" in page and "whole number from 0 to 100" in page
    send(cast.ana, path, 422, step="thought", text="", belief="20")


# -- the rest ---------------------------------------------------------------------------------------------------------------


def test_a_need_is_put_together_as_typed_and_blame_is_pointed_at(cast):
    parts = {"saw": "You never rang on Friday.", "felt": "left out", "need": "to know when you come", "request": "Text me?"}
    page = send(cast.ana, "/reflect/ask/", 200, do="look", **parts)
    assert "I felt left out." in page and "I need to know when you come." in page and "Text me?" in page
    assert "<q" in page and "never" in page and "heard as blame" in page
    assert not PrivateWord.objects.filter(member=cast.ana.member).exists(), "nothing is kept until it is said"
    parts["saw"] = "On Friday it was ten, and no call."
    page = send(cast.ana, "/reflect/ask/", 200, do="look", **parts)
    assert "No word in it was found" in page
    carried = re.search(r'action="/rehearse/">.*?name="text" value="([^"]+)"', page, re.DOTALL)
    assert carried is not None and "I felt left out." in carried[1]
    send(cast.ana, "/reflect/ask/", do="keep", **parts)
    assert "I felt left out." in get(cast.ana, "/reflect/journal/")


def test_a_view_from_outside_is_offered_again_after_four_months(cast):
    answers = {"facts": "We fought about the car.", "friend": "Both were tired.", "hinders": "Pride.", "again": "I sit."}
    send(cast.ana, "/reflect/outside/", 422, facts="only this")
    send(cast.ana, "/reflect/outside/", **answers)
    page = get(cast.ana, "/reflect/outside/")
    assert "It is offered again from" in page and "Both were tired." in page and "<textarea" not in page
    with clock.shifted(timedelta(days=121)):
        cast.ana._client = None  # signed in anew
        assert "<textarea" in get(cast.ana, "/reflect/outside/")
    cast.ana._client = None
    gone = re.search(r'name="gone" value="([^"]+)"', page).group(1)
    assert cast.jonas.client.post("/reflect/outside/", {"gone": gone}).status_code == 302
    assert Sheet.objects.count() == 1, "nobody throws away another's"
    send(cast.ana, "/reflect/outside/", gone=gone)
    send(cast.ana, "/reflect/outside/", gone="no id")
    assert not Sheet.objects.exists()


def test_who_i_am_is_kept_in_parts_and_each_goes_alone(cast):
    send(cast.ana, "/reflect/me/", low="Soup, and no advice.", comfort="Sit beside me.")
    page = get(cast.ana, "/reflect/me/")
    assert "Soup, and no advice." in page and Sheet.objects.count() == 1
    send(cast.ana, "/reflect/me/", low="Soup.", comfort="")
    assert Sheet.objects.count() == 1 and "no advice" not in get(cast.ana, "/reflect/me/")
    assert "Soup" not in get(cast.jonas, "/reflect/me/")
    page = send(cast.ana, "/reflect/me/", 422, low="x" * 20_001, soft="kept as typed")
    assert "kept as typed" in page and "more than fit here" in page
    page = send(cast.ana, "/reflect/me/", 422, low="ä" * 19_000, soft="ä" * 19_000)
    assert "All parts together" in page


@pytest.mark.parametrize(
    ("path", "line", "word"),
    [
        ("/reflect/around/", {"name": "Aunt Rosa", "ring": "1", "how": "any evening", "why": "laughing"}, "Aunt Rosa"),
        ("/reflect/good/", {"text": "a bath in the dark", "when": "tired"}, "a bath in the dark"),
    ],
)
def test_lists_of_ones_own_grow_and_shrink_and_are_ones_own(cast, path, line, word):
    send(cast.ana, path, **line)
    send(cast.ana, path, **{**line, "name": "Second", "text": "second"})
    page = get(cast.ana, path)
    assert word in page and "econd" in page and Sheet.objects.count() == 1
    assert word not in get(cast.jonas, path)
    assert word.encode() not in bytes(Sheet.objects.get().body)
    send(cast.ana, path, gone=re.search(r'name="gone" value="([^"]+)"', page).group(1))
    page = get(cast.ana, path)
    assert word not in page and "econd" in page
    send(cast.ana, path, gone="nothing")
    send(cast.ana, path, 422)


def test_a_list_is_full_at_some_point_and_says_so(cast, monkeypatch):
    monkeypatch.setattr("closeknit.web.reflect.own.MOST_LINES", 1)
    send(cast.ana, "/reflect/good/", text="a bath")
    assert "Take something away first" in send(cast.ana, "/reflect/good/", 422, text="a walk")


def test_there_are_as_many_sheets_as_fit_and_the_page_says_so(cast, monkeypatch):
    monkeypatch.setattr(sheets, "MOST", 0)
    send(cast.ana, "/reflect/ladders/", 422, who="Mum")
    send(cast.ana, "/reflect/fears/", 422)
    send(cast.ana, "/reflect/me/", 422, low="x")
    send(cast.ana, "/reflect/good/", 422, text="x")
    answers = dict.fromkeys(("facts", "friend", "hinders", "again"), "x")
    assert "as many sheets here as fit" in send(cast.ana, "/reflect/outside/", 422, **answers)


def test_the_rings_lie_apart_and_within_the_drawing():
    dots = pictures.rings([(str(number), ring) for ring in "123" for number in range(8)])
    assert len({(dot.x, dot.y) for dot in dots}) == 24 and all(20 < value < 340 for dot in dots for value in (dot.x, dot.y))


def test_long_names_in_the_rings_cover_no_other():
    places = [(f"Somebody with a long name {number}", str(number % 3 + 1)) for number in range(12)]
    dots = pictures.rings(places)
    assert {one.name for one in dots} == {name for name, _ring in places}
    assert all(one.label == "Somebody with a…" and one.box[0] >= -40 and one.box[2] <= 400 for one in dots)
    for number, one in enumerate(dots):
        for other in dots[:number]:
            apart = one.box[2] <= other.box[0] or other.box[2] <= one.box[0]
            assert apart or one.box[3] <= other.box[1] or other.box[3] <= one.box[1], (one, other)



def test_somebody_in_no_bond_has_all_of_it_and_nothing_is_said_to_be_missing():
    lone = Person("Lone")
    for path in ("", "journal/", "write/", "ladders/", "fears/", "kindness/", "ask/", "outside/", "me/", "around/", "good/"):
        page = get(lone, f"/reflect/{path}").split("<main")[1]
        assert not re.search(r"invite|partner|no bond|alone yet", page, re.IGNORECASE), path
    assert "your words stay here" in get(lone, "/reflect/take/")


def test_sheets_are_in_the_copy_and_go_with_the_account(cast, ladder):
    send(cast.ana, "/reflect/me/", low="Soup.")
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    entries = [values for section, values in copying.entries_of(reading) if section == "sheets"]
    CHECK.validate({"section": "sheets", "entries": entries})
    assert {one["kind"] for one in entries} == {"ladder", "me"}
    (one,) = [one for one in entries if one["kind"] == "ladder"]
    assert [rung["thing"] for rung in one["holds"]["rungs"]][0] == "That I left the choir."
    reading = Reading(cast.jonas.member, cast.jonas.keyring, [cast.jonas.bond(cast.pair)])
    assert not [1 for section, _values in copying.entries_of(reading) if section == "sheets"]


def test_every_sheet_can_be_read_in_the_copy(cast, ladder):
    ana = cast.ana
    choir = rungs(get(ana, ladder))[1][0]
    send(ana, choir, do="choose", when="Sunday", how="side by side")
    send(ana, choir, do="tell", happened="She laughed.", came="no", surprise="9", hard="1")
    worry = send(ana, "/reflect/fears/")
    send(ana, worry, step="wish", text="That I am tired of it.")
    send(ana, worry, step="thought", text="He will *laugh*.", belief="70")
    send(ana, "/reflect/me/", low="Soup, and no advice.")
    send(ana, "/reflect/around/", name="Vera", ring="1", how="0171")
    send(ana, "/reflect/good/", text="The long way home.", when="low")
    send(ana, "/reflect/outside/", facts="The keys.", friend="Both tired.", hinders="My voice.", again="Then I sit down.")
    send(ana, "/reflect/write/", text="An entry.")
    entry = re.search(r"/reflect/pictures/[0-9a-f-]+/", get(ana, "/reflect/journal/")).group(0)
    jpeg = io.BytesIO()
    Image.new("RGB", (9, 9)).save(jpeg, "JPEG")
    send(ana, entry, file=SimpleUploadedFile("a.jpg", jpeg.getvalue()), says="The mill.")
    reading = Reading(ana.member, ana.keyring, [ana.bond(cast.pair)])
    packed = zipfile.ZipFile(io.BytesIO(b"".join(copying.copy(reading, ZoneInfo("UTC"), "en"))))
    names = [name for name in packed.namelist() if "/reflect/" in name]
    page, plain = (packed.read(next(n for n in names if n.endswith(end))).decode() for end in ("html", "md"))
    assert "pages/reflect/" in packed.read("index.html").decode()
    lines = ("Ladder: Mum", "That I am in debt.", "What I fear: She will sigh.", "Sunday · side by side", "She laughed.")
    lines += ("How hard now: 1 of 10", "believed 70 of 100", "Soup, and no advice.", "Vera · 0171", "The long way home.")
    for line in (*lines, "When I am low", "Then I sit down.", "The mill."):
        assert line in html.unescape(page) and line in plain, line
    assert r"He will \*laugh\*." in plain
    (picture,) = re.findall(r'href="../../(pictures/[0-9a-f-]+\.jpg)"', page)
    assert packed.read(picture)[:2] == b"\xff\xd8" and picture in plain


def test_a_sheet_that_was_only_begun_does_not_keep_the_copy_from_being_made(cast):
    send(cast.ana, "/reflect/ladders/", who="Mum")
    send(cast.ana, "/reflect/fears/")
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    packed = zipfile.ZipFile(io.BytesIO(b"".join(copying.copy(reading, ZoneInfo("UTC"), "en"))))
    plain = next(packed.read(name).decode() for name in packed.namelist() if "/reflect/" in name and name.endswith(".md"))
    assert "Ladder: Mum" in plain and "A fear, looked at" in plain


def test_a_sheet_that_was_moved_to_another_does_not_open_there(cast, ladder):
    Sheet.objects.update(member=cast.jonas.member)
    assert cast.jonas.client.get("/reflect/ladders/").status_code == 409


# -- the journal -----------------------------------------------------------------------------------------------------------


def entry(cast, text: str, at: datetime, **more) -> None:
    about = {"text": text, "kind": "journal", "at": at.isoformat(), **more}
    private.words_keep(cast.ana.member.pk, cast.ana.keyring, [(None, about)])


def test_entries_lie_by_month_and_day_and_the_calendar_leads_to_each(cast):
    for day in (3, 3, 17):
        entry(cast, f"On the {day}th of May.", datetime(2025, 5, day, 12, tzinfo=UTC))
    entry(cast, "In April.", datetime(2025, 4, 30, 12, tzinfo=UTC))
    page = get(cast.ana, "/reflect/journal/?month=2025-05")
    assert page.count("On the 3th") == 2 and page.index("On the 17th") < page.index("On the 3th") and "In April." not in page
    assert set(re.findall(r"month=2025-05&amp;day=(\d+)", page)) == {"3", "17"}
    page = get(cast.ana, "/reflect/journal/?month=2025-05&day=17")
    assert "On the 17th" in page and "On the 3th" not in page
    assert "Nothing was written here then" in get(cast.ana, "/reflect/journal/?month=2025-05&day=4")
    for bad in ("month=2025-13", "month=x", "day=32", "day=x", "page=0", "page=2", "page=-1"):
        get(cast.ana, f"/reflect/journal/?{bad}", 404)
    assert "In April." not in get(cast.jonas, "/reflect/journal/")


def test_a_long_month_comes_in_pages(cast, monkeypatch):
    monkeypatch.setattr(journal, "PAGE", 2)
    for hour in range(5):
        entry(cast, f"Hour {hour}.", datetime(2025, 5, 3, hour, tzinfo=UTC))
    found = []
    for page in (1, 2, 3):
        found += re.findall(r"Hour \d", get(cast.ana, f"/reflect/journal/?month=2025-05&page={page}"))
    assert found == [f"Hour {hour}" for hour in range(4, -1, -1)]


def test_this_day_of_earlier_years_is_shown_first(cast):
    now = clock.now()
    year = now.year - 2
    entry(cast, "Two years ago today.", datetime(year, now.month, min(now.day, 28), 12, tzinfo=UTC))
    entry(cast, "Two years ago, another day.", datetime(year, now.month, 1 if now.day > 5 else 20, 12, tzinfo=UTC))
    page = get(cast.ana, "/reflect/journal/")
    if now.day <= 28:
        assert "On this day, some time ago" in page.split("Two years ago today.")[0]
    assert "another day" not in page.split("Calendar")[0]


def test_words_feelings_and_tags_are_found_and_what_was_asked_is_in_no_address(cast):
    at = datetime(2025, 5, 3, tzinfo=UTC)
    entry(cast, "The long tram ride home.", at, feelings=["lonely"], tags=["Ben"], prompt="What did you hope for?")
    entry(cast, "Nothing of note.", at)
    for asked in ("TRAM", "lonely", "ben", "hope for", "ride ben"):
        page = send(cast.ana, "/reflect/journal/", 200, q=asked)
        assert "The long tram ride home." in page and "Nothing of note." not in page, asked
    page = send(cast.ana, "/reflect/journal/", 200, q="tram nowhere")
    assert "Nothing has all of these words." in page
    send(cast.ana, "/reflect/journal/", 200, q="x" * 100_000)


def test_more_than_one_page_is_found_and_said(cast, monkeypatch):
    monkeypatch.setattr(journal, "PAGE", 2)
    for hour in range(3):
        entry(cast, f"Rain {hour}.", datetime(2025, 5, 3, hour, tzinfo=UTC))
    page = send(cast.ana, "/reflect/journal/", 200, q="rain")
    assert len(re.findall(r"Rain \d", page)) == 2 and "There are more" in page


def test_an_entry_begins_from_a_question_and_keeps_it(cast):
    page = get(cast.ana, "/reflect/write/")
    ids = re.findall(r'name="question" value="(j-\d+)"', page)
    assert len(ids) >= 2
    send(cast.ana, "/reflect/write/", text="An answer.", question=ids[0], tags="Ben, the flat, Ben")
    asked = next(one.text for one in questions() if one.id == ids[0])
    page = get(cast.ana, "/reflect/journal/")
    assert asked in page and "Ben, the flat" in page
    word = PrivateWord.objects.get(member=cast.ana.member)
    assert b"Ben" not in bytes(word.body)
    page = get(cast.ana, f"/reflect/write/{word.id}/")
    assert asked in page and 'value="Ben, the flat"' in page
    send(cast.ana, f"/reflect/write/{word.id}/", text="Another.", tags="")
    page = get(cast.ana, "/reflect/journal/")
    assert asked in page and "Ben" not in page.split("<main")[1].replace("your bonds", "")


def test_tags_come_along_in_the_copy_and_are_brought_back(cast):
    send(cast.ana, "/reflect/write/", text="For the copy.", tags="Ben")
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    (one,) = [v for section, v in copying.entries_of(reading) if section == "words" and v["kind"] == "journal"]
    CHECK.validate({"section": "words", "entries": [one]})
    assert one["tags"] == ["Ben"] and opening._word(one, "words").entry()["tags"] == ["Ben"]


def test_words_go_into_a_bond_as_a_draft_and_no_further(cast):
    entry(cast, "I was afraid at the station.", clock.now())
    word = PrivateWord.objects.get(member=cast.ana.member).pk
    assert "station" not in send(cast.jonas, "/reflect/take/", 200, word=str(word))
    page = send(cast.ana, "/reflect/take/", 200, word=str(word))
    assert "I was afraid at the station." in page and "Jonas" in page
    assert f'href="/b/{cast.pair}/talk/"' in page, "or it is said aloud"
    before = Moment.objects.count()
    page = send(cast.ana, "/reflect/take/", 422, text="I was afraid.", line="", bond=str(cast.pair))
    assert "I was afraid." in page and Moment.objects.count() == before
    send(cast.ana, "/reflect/take/", 422, text="I was afraid.", line="A line", bond=str(uuid.uuid4()))
    where = send(cast.ana, "/reflect/take/", text="I was afraid.", line="About the station", bond=str(cast.pair))
    assert Moment.objects.count() == before + 1 and Draft.objects.filter(member=cast.ana.member).exists()
    page = get(cast.ana, where)
    assert "About the station" in page and "I was afraid." in page
    page = get(cast.jonas, where)
    assert "About the station" in page and "I was afraid" not in page
    assert not Item.objects.filter(author=cast.ana.member, wraps__target="bond").exists()


def test_nobody_takes_words_into_a_bond_that_is_not_theirs(cast):
    before = Moment.objects.count()
    send(cast.eve, "/reflect/take/", 422, text="x", line="y", bond=str(cast.pair))
    assert Moment.objects.count() == before


def test_the_months_calendar_begins_on_monday_and_has_every_day():
    weeks = journal._weeks(date(2024, 2, 1), {1, 29})
    days = [day.number for week in weeks for day in week if day.number]
    assert days == list(range(1, 30)) and weeks[0][3].number == 1 and weeks[0][3].written
