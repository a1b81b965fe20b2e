"""Sheets of Reflect and pictures of the journal, from one Closeknit into another: all of it, once, and nothing that no page
wrote."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from PIL import Image

from closeknit.web.bonds.models import PrivateWord
from closeknit.web.reflect import gallery, images, own, sheets
from closeknit.web.reflect.models import Picture, PicturePart, Sheet
from closeknit.web.reflect.sheets import SheetKind
from closeknit.web.taking import opening, services
from closeknit.web.taking.models import Arrival

from .test_pictures import SECRET, drawn, file, noise, pressed, told_of
from .test_plaintext import every_value
from .test_sheets import SAID, get, rungs, send
from .test_taking import CHECK, bring, confirmed, data_of, repacked, take

pytestmark = pytest.mark.django_db
SHEETS, PICTURES = "data/sheets-0001.json", "data/pictures-0001.json"


def reflect(person) -> None:
    """Something of every kind, through the pages."""
    path = send(person, "/reflect/ladders/", who="Mum")
    for thing, hard in (("That I left the choir.", 3), ("That I am in debt.", 8), ("That I miss our walks.", 1)):
        send(person, path, thing=thing, hard=hard, fear="She will sigh.", helps="A letter")
    debt, choir, walks = (url for url, _words in rungs(get(person, path)))
    send(person, walks, do="choose", when="Sunday", how="side by side", words="Do you\r\nremember?")
    send(person, walks, do="tell", happened="She laughed.", came="partly", surprise="9", hard="0")
    send(person, choir, do="choose", when="After supper", how="", words="")
    aside = send(person, "/reflect/ladders/", who="Ben")
    send(person, aside, thing="That I was jealous.", hard=5)
    send(person, f"{aside}do/", do="stop")
    send(person, "/reflect/ladders/", who="Nobody yet")
    worry = send(person, "/reflect/fears/")
    for step, text in SAID.items():
        send(person, worry, step=step, text=text, belief="80" if step == "thought" else "45")
    send(person, "/reflect/fears/")
    answers = {"facts": "The car.", "friend": "Both were tired.", "hinders": "Pride.", "again": "I sit down."}
    send(person, "/reflect/outside/", **answers)
    send(person, "/reflect/me/", low="Soup, and no advice.", comfort="Sit beside me.")
    for name, ring in (("Aunt Rosa", "1"), ("The pool", "3")):
        send(person, "/reflect/around/", name=name, ring=ring, how="any evening", why="")
    for text, when in (("a bath in the dark", "tired"), ("the long way home", "")):
        send(person, "/reflect/good/", text=text, when=when)
    send(person, "/reflect/write/", text="The path behind the mill.", tags="mill")
    (entry,) = set(re.findall(r"/reflect/pictures/[0-9a-f-]+/", get(person, "/reflect/journal/")))
    send(person, entry, file=file(pressed(noise(400, 300))), says="The mill in March.")
    send(person, entry, file=file(pressed(drawn())))


def yes(person, status: int = 200) -> str:
    answer = person.client.post("/you/import/", {"do": "bring"})
    assert answer.status_code == status
    return answer.content.decode()


def page(person) -> str:
    return get(person, "/you/import/").replace("\n", " ")


def without_ids(holds):
    """What a sheet holds, with the ids of rungs and lines replaced by where they stand."""
    places: dict[str, str] = {}

    def walk(one):
        if isinstance(one, dict):
            if "id" in one:
                places[one["id"]] = f"#{len(places)}"
            return {name: places[value] if name == "id" else walk(value) for name, value in one.items()}
        if isinstance(one, list):
            return [walk(each) for each in one]
        return places.get(one, one) if isinstance(one, str) else one

    return walk(holds)


def held(raw: bytes) -> dict[str, tuple]:
    """All sheets of a copy, by id. A part of "How to be close to me" without words is as good as none."""
    entries = data_of(raw).get("sheets", [])
    found = {}
    for one in entries:
        holds = without_ids(one["holds"])
        if one["kind"] == "me":
            holds = {name: text for name, text in holds.items() if text}
        found[one["id"]] = (one["kind"], one["at"], holds)
    assert len(found) == len(entries)
    return found


def pictured(raw: bytes) -> set[tuple]:
    names = ("id", "word", "at", "says", "wide", "high")
    return {tuple(one[name] for name in names) for one in data_of(raw).get("pictures", [])}


@pytest.fixture
def raw(cast) -> bytes:
    """Ana's copy."""
    reflect(cast.ana)
    return take(cast.ana)


# -- there and back -------------------------------------------------------------------------------------------------------


def test_every_kind_of_sheet_and_every_picture_comes_over_whole(cast, raw):
    assert {one[0] for one in held(raw).values()} == {kind.value for kind in SheetKind}
    bring(cast.eve, raw)
    shown = page(cast.eve)
    for line in ("Ladder: 3", "A fear, looked at: 2", "A disagreement, from outside: 1", "A picture: 2", "Bring all of it"):
        assert line in shown, line
    assert "How to be close to me: 2" in shown and "People and places around me: 2" in shown
    assert not Sheet.objects.filter(member=cast.eve.member).exists(), "nothing comes before a yes"
    came = yes(cast.eve)
    assert "It is here" in came and "Ladder: 3" in came and "A picture: 2" in came and 'href="/reflect/"' in came
    assert not Arrival.objects.exists()
    again = take(cast.eve)
    assert held(again) == held(raw) and pictured(again) == pictured(raw)
    for section in ("sheets", "pictures"):
        CHECK.validate({"section": section, "entries": data_of(again)[section]})
    archive = zipfile.ZipFile(io.BytesIO(again))
    for one in data_of(again)["pictures"]:
        assert Image.open(io.BytesIO(archive.read(one["file"]))).size == (one["wide"], one["high"])


def test_what_came_is_as_if_it_were_written_here(cast, raw):
    bring(cast.eve, raw)
    yes(cast.eve)
    mine, theirs = (set(Sheet.objects.filter(member=one.member).values_list("pk", flat=True)) for one in (cast.eve, cast.ana))
    assert len(mine) == len(theirs) == 9 and not mine & theirs and not {str(one) for one in mine} & set(held(raw))
    listed = get(cast.eve, "/reflect/ladders/")
    (path,) = re.findall(r'href="(/reflect/ladders/[0-9a-f-]+/)"[^>]*>[^<]*Mum', listed)
    urls = {words: url for url, words in rungs(get(cast.eve, path))}
    assert "You chose this one" in get(cast.eve, path) and "After supper" in get(cast.eve, path)
    send(cast.eve, urls["That I left the choir."], do="tell", happened="She knew.", came="no", surprise="5", hard="1")
    assert "She knew." in get(cast.eve, urls["That I left the choir."])
    worry = re.search(r'href="(/reflect/fears/[0-9a-f-]+/)"', get(cast.eve, "/reflect/fears/")).group(1)
    assert cast.ana.client.get(worry).status_code == cast.jonas.client.get(path).status_code == 404
    journal = get(cast.eve, "/reflect/journal/")
    assert "The path behind the mill." in journal and 'alt="The mill in March."' in journal
    for source in re.findall(r'<img src="([^"]+)"', journal):
        assert cast.eve.client.get(source).status_code == 200 and cast.ana.client.get(source).status_code == 404
    # A sheet that was changed here is still known again.
    assert set(held(take(cast.eve))) == set(held(raw))


def test_no_table_holds_a_readable_byte_while_it_waits_or_afterwards(cast, raw):
    words = (b"jealous", b"Aunt Rosa", b"no advice", b"lonely", b"bath in the dark", b"mill in March", b"rethink", b"JFIF")
    jpeg = zipfile.ZipFile(io.BytesIO(raw)).read(data_of(raw)["pictures"][0]["file"])[200:240]
    bring(cast.eve, raw)
    assert Arrival.objects.filter(member=cast.eve.member).count() > 4
    waiting = every_value()
    yes(cast.eve)
    there = every_value()
    assert not [word for word in (*words, jpeg) if word in waiting or word in there]


def test_brought_twice_it_comes_once(cast, raw):
    for _again in range(2):
        bring(cast.eve, raw)
        cast.eve.client.post("/you/import/", {"do": "bring"})
    assert held(take(cast.eve)) == held(raw) and Picture.objects.filter(member=cast.eve.member).count() == 2
    # Into the Closeknit that it came from, from there and from elsewhere: nothing either.
    before = held(raw)
    for copy in (raw, take(cast.eve)):
        bring(cast.ana, copy)
        waiting = services.waiting(cast.ana.member, cast.ana.keyring)
        assert waiting.coming == 0 and waiting.here == {"text": 1, "sheet": 6, "line": 6, "picture": 2}
        assert "Nothing that is not here already" in page(cast.ana) and "Bring all" not in page(cast.ana)
    assert held(take(cast.ana)) == before


def test_two_pages_say_yes_at_once_and_it_comes_once(cast, raw):
    bring(cast.eve, raw)
    parts = list(Arrival.objects.filter(member=cast.eve.member))
    yes(cast.eve)
    Arrival.objects.bulk_create(parts)
    yes(cast.eve, 302)
    assert held(take(cast.eve)) == held(raw) and pictured(take(cast.eve)) == pictured(raw)


def test_a_copy_of_an_earlier_version_has_none_and_is_read(cast, raw):
    def earlier(name: str, content: bytes) -> bytes | None:
        if name == "closeknit.json":
            manifest = json.loads(content)
            sections = {"words": manifest["sections"]["words"]}
            return json.dumps({**manifest, "version": 1, "sections": sections}).encode()
        return None if "sheets" in name or "pictures" in name else content

    bring(cast.eve, repacked(raw, earlier))
    assert "Bring 1 text" in page(cast.eve)
    assert 'href="/reflect/journal/"' not in yes(cast.eve).split("<main")[1]


# -- with what is here already ---------------------------------------------------------------------------------------------


def test_lists_are_filled_up_and_what_is_here_stays(cast, raw):
    send(cast.eve, "/reflect/me/", low="Leave me be.", soft="Being laughed at.")
    send(cast.eve, "/reflect/around/", name="Aunt Rosa", ring="1", how="any evening", why="")
    send(cast.eve, "/reflect/good/", text="singing", when="low")
    bring(cast.eve, raw)
    shown = page(cast.eve)
    assert "How to be close to me: 1" in shown and "other words of yours stand in their place" in shown
    assert "1 line of your lists, or of How to be close to me, is here already" in shown
    yes(cast.eve)
    holds = {one.kind: one.holds for one in sheets.sheets(cast.eve.keyring, cast.eve.member) if one.kind in sheets.SINGLE}
    me = holds[SheetKind.ME]
    assert (me["low"], me["soft"], me["comfort"]) == ("Leave me be.", "Being laughed at.", "Sit beside me.")
    assert [one["name"] for one in holds[SheetKind.MAP]["lines"]] == ["Aunt Rosa", "The pool"]
    texts = [one["text"] for one in holds[SheetKind.HELPS]["lines"]]
    assert texts == ["singing", "a bath in the dark", "the long way home"]
    assert Sheet.objects.filter(member=cast.eve.member).count() == 9
    ids = [one["id"] for kind in (SheetKind.MAP, SheetKind.HELPS) for one in holds[kind]["lines"]]
    assert len(set(ids)) == 5 and not [one for one in ids if one.encode() in zipfile.ZipFile(io.BytesIO(raw)).read(SHEETS)]


def test_what_has_no_room_is_counted_and_the_rest_comes(cast, raw, monkeypatch):
    monkeypatch.setattr(sheets, "MOST", 7)
    monkeypatch.setattr(own, "MOST_LINES", 1)
    bring(cast.eve, raw)
    waiting = services.waiting(cast.eve.member, cast.eve.keyring)
    assert sum(sum(reasons.values()) for reasons in waiting.cannot.values()) > 1
    assert "there is no more room for them here" in page(cast.eve)
    yes(cast.eve)
    assert Sheet.objects.filter(member=cast.eve.member).count() == 7
    assert PrivateWord.objects.filter(member=cast.eve.member).count() == 1
    # With room, the same file brings what stayed in it.
    monkeypatch.undo()
    bring(cast.eve, raw)
    yes(cast.eve)
    kinds = [one[0] for one in held(take(cast.eve)).values()]
    assert sorted(kinds) == sorted(one[0] for one in held(raw).values())


def fewer(monkeypatch, cast) -> None:
    monkeypatch.setattr(sheets, "MOST", 2)


def written(monkeypatch, cast) -> None:
    send(cast.eve, "/reflect/me/", low="Leave me be.")


def full(monkeypatch, cast) -> None:
    monkeypatch.setattr(gallery, "MOST", 1)


@pytest.mark.parametrize("change", [fewer, written, full])
def test_what_lost_its_room_meanwhile_keeps_all_of_it_waiting(cast, raw, monkeypatch, change):
    bring(cast.eve, raw)
    before = Sheet.objects.filter(member=cast.eve.member).count()
    change(monkeypatch, cast)
    now = Sheet.objects.filter(member=cast.eve.member).count()
    said = yes(cast.eve, 409)
    assert "Something changed here" in said and "nothing is lost" in said and "Bring all of it" in said
    assert Sheet.objects.filter(member=cast.eve.member).count() == now <= before + 1
    assert not PrivateWord.objects.filter(member=cast.eve.member).exists()
    assert not Picture.objects.filter(member=cast.eve.member).exists()
    assert services.waiting(cast.eve.member, cast.eve.keyring) is not None
    monkeypatch.undo()
    bring(cast.eve, raw)
    assert "It is here" in yes(cast.eve)


def test_all_of_it_or_nothing(cast, raw, monkeypatch):
    bring(cast.eve, raw)
    kept = []

    def breaks(*args, **more):
        kept.append(1)
        raise RuntimeError

    monkeypatch.setattr(gallery, "picture_keep", breaks)
    with pytest.raises(RuntimeError):
        services.bring(cast.eve.member, cast.eve.keyring)
    assert kept and not Sheet.objects.filter(member=cast.eve.member).exists()
    assert not PrivateWord.objects.filter(member=cast.eve.member).exists()
    monkeypatch.undo()
    yes(cast.eve)
    assert held(take(cast.eve)) == held(raw)


def test_an_arrival_that_was_moved_to_another_does_not_open(cast, raw):
    bring(cast.eve, raw)
    Arrival.objects.update(member=cast.jonas.member)
    assert confirmed(cast.jonas).post("/you/import/", {"do": "bring"}).status_code == 409
    assert not Sheet.objects.filter(member=cast.jonas.member).exists()


# -- what no page ever wrote -----------------------------------------------------------------------------------------------


def changed(raw: bytes, kind: str, change, name: str = SHEETS) -> bytes:
    """The copy with `change` done to the first entry of that kind (or to the first at all)."""

    def one(path: str, content: bytes) -> bytes:
        if path != name:
            return content
        entries = json.loads(content)["entries"]
        found = max((e for e in entries if e.get("kind", kind) == kind), key=lambda e: len(json.dumps(e)))
        change(found)
        return json.dumps({"section": "x", "entries": entries}).encode()

    return repacked(raw, one)


def put(*path, value):
    """A change: this value at this place."""

    def change(entry) -> None:
        *way, last = path
        for step in way:
            entry = entry[step]
        entry[last] = value

    return change


def rung(*path, value):
    return put("holds", "rungs", 0, *path, value=value)


FORGED = {
    "unknown kind": ("ladder", put("kind", value="diary")),
    "a kind that is no word": ("ladder", put("kind", value=["ladder"])),
    "no id": ("ladder", put("id", value="../../x")),
    "a number for an id": ("ladder", put("id", value=7)),
    "no day": ("ladder", put("at", value=None)),
    "a day that no calendar has": ("ladder", put("at", value="9999-12-31T23:59:59-20:00")),
    "a field more": ("ladder", put("member", value="jonas")),
    "nothing held": ("ladder", put("holds", value=None)),
    "a list held": ("ladder", put("holds", value=[])),
    "another kind's": ("ladder", put("holds", value={"lines": []})),
    "no name": ("ladder", put("holds", "who", value="")),
    "a name that is none": ("ladder", put("holds", "who", value={"x": 1})),
    "a ladder's field more": ("ladder", put("holds", "extra", value="x")),
    "a rung's field more": ("ladder", rung("extra", value="x")),
    "no thing": ("ladder", rung("thing", value=" ")),
    "a word for a number": ("ladder", rung("hard", value="3")),
    "a number too high": ("ladder", rung("hard", value=11)),
    "a number that is none": ("ladder", rung("hard", value=float("nan"))),
    "a half": ("ladder", rung("hard", value=2.5)),
    "a stage more": ("ladder", rung("stage", value="burnt")),
    "told and not": ("ladder", rung("stage", value="told")),
    "a plan too short": ("ladder", rung("plan", value=["x"])),
    "a plan too long": ("ladder", rung("plan", value=["x"] * 4)),
    "an outcome before its time": (
        "ladder",
        rung("outcome", value={"happened": "x", "came": "no", "hard": 1, "surprise": 1}),
    ),
    "no outcome": ("ladder", rung("outcome", value=None)),
    "told of what is not there": ("ladder", put("holds", "told", value=["x"])),
    "told as a word": ("ladder", put("holds", "told", value="x")),
    "the same rung twice": ("ladder", lambda e: e["holds"]["rungs"].append(dict(e["holds"]["rungs"][0]))),
    "too many rungs": (
        "ladder",
        lambda e: e["holds"]["rungs"].extend({**e["holds"]["rungs"][0], "id": str(n)} for n in range(60)),
    ),
    "put aside with one chosen": ("ladder", put("holds", "stopped", value=True)),
    "a step more": ("worry", put("holds", "said", "dream", value=["x", None])),
    "a step left out": ("worry", lambda e: e["holds"]["said"].pop("for")),
    "an empty thought": ("worry", put("holds", "said", "thought", value=["", 3])),
    "believed too much": ("worry", put("holds", "said", "thought", value=["x", 101])),
    "a belief where none is asked for": ("worry", put("holds", "said", "wish", value=["x", 3])),
    "two letters": ("worry", put("holds", "said", "wish", value="a1")),
    "an answer left out": ("rethink", lambda e: e["holds"]["answers"].pop("again")),
    "an empty answer": ("rethink", put("holds", "answers", "again", value="")),
    "an answer more": ("rethink", put("holds", "answers", "more", value="x")),
    "a part more": ("me", put("holds", "secret", value="x")),
    "a part that is no text": ("me", put("holds", "low", value=["x"])),
    "a fourth ring": ("map", put("holds", "lines", 0, "ring", value="4")),
    "no ring": ("map", put("holds", "lines", 0, "ring", value="")),
    "a line's field more": ("map", put("holds", "lines", 0, "href", value="javascript:1")),
    "lines as a word": ("map", put("holds", "lines", value="xy")),
    "a line that is none": ("helps", put("holds", "lines", 0, value=["x"])),
    "another time": ("helps", put("holds", "lines", 0, "when", value="never")),
    "very deep": ("helps", put("holds", "lines", value=json.loads("[" * 400 + "]" * 400))),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_sheet_that_no_page_wrote_refuses_the_file_and_names_where(cast, small, kind):
    answer = bring(cast.eve, changed(small, *FORGED[kind]))
    said = answer.content.decode()
    assert answer.status_code == 422 and f"The file {SHEETS} in it is not in the form" in said and "<title>Error:" in said
    assert not Arrival.objects.exists() and not Sheet.objects.filter(member=cast.eve.member).exists()


@pytest.fixture
def small(cast) -> bytes:
    """A copy with a sheet of each kind, made without the pages."""
    whole = {
        "ladder": {
            "who": "Mum",
            "rungs": [
                {"id": "a", "thing": "x", "hard": 3, "fear": "", "helps": "", "stage": "chosen", "plan": ["", "", ""]},
                {"id": "b", "thing": "y", "hard": 4, "fear": "", "helps": "", "stage": "waiting", "plan": ["", "", ""]},
            ],
            "told": [],
            "stopped": False,
        },
        "worry": {"said": {"wish": ["w", None], "thought": ["t", 80], "for": ["f", None], "against": ["a", None]}},
        "rethink": {"answers": dict.fromkeys(("facts", "friend", "hinders", "again"), "x")},
        "me": {"low": "Soup."},
        "map": {"lines": [{"id": "a", "name": "Rosa", "ring": "1", "how": "", "why": ""}]},
        "helps": {"lines": [{"id": "a", "text": "a bath", "when": ""}]},
    }
    for kind, holds in whole.items():
        sheets.sheet_new(cast.ana.keyring, cast.ana.member, SheetKind(kind), holds)
    return take(cast.ana)


def test_the_small_copy_itself_is_read(cast, small):
    assert bring(cast.eve, small).status_code == 302
    assert services.waiting(cast.eve.member, cast.eve.keyring).coming == 6


ANSWERS = ("facts", "friend", "hinders", "again")
LONG = {
    "a name": ("ladder", put("holds", "who", value="x" * 81), "too-long"),
    "a thing": ("ladder", rung("thing", value="x" * 20_001), "too-long"),
    "a fear": ("ladder", rung("fear", value="x" * 301), "too-long"),
    "a plan": ("ladder", rung("plan", value=["x" * 301, "", ""]), "too-long"),
    "a sheet": ("rethink", put("holds", "answers", value=dict.fromkeys(ANSWERS, "ä" * 9000)), "too-long"),
    "a line": ("map", put("holds", "lines", 0, "how", value="x" * 161), "too-long"),
    "a sign": ("worry", put("holds", "said", "wish", value=["a\0b", None]), "unclear"),
    "half a sign": ("me", put("holds", "low", value="\ud800"), "unclear"),
}


@pytest.mark.parametrize("kind", LONG)
def test_a_sheet_that_has_no_place_here_is_counted_and_the_others_come(cast, small, kind):
    *change, why = LONG[kind]
    assert bring(cast.eve, changed(small, *change)).status_code == 302
    waiting = services.waiting(cast.eve.member, cast.eve.keyring)
    assert waiting.cannot["sheet"] == {why: 1} and waiting.coming == 5
    assert "1 sheet of Reflect cannot come:" in page(cast.eve)
    yes(cast.eve)
    assert Sheet.objects.filter(member=cast.eve.member).count() == 5


def test_words_that_look_like_markup_are_words(cast, small):
    evil = "<script>alert(1)</script>"
    bring(cast.eve, changed(small, "ladder", put("holds", "who", value=evil)))
    yes(cast.eve)
    assert evil not in cast.eve.client.get("/reflect/ladders/").content.decode()


def test_more_sheets_than_can_be_read_are_refused(cast, small, monkeypatch):
    monkeypatch.setattr(opening, "MOST_SHEETS", 5)
    answer = bring(cast.eve, small)
    assert answer.status_code == 422 and "more in this file" in answer.content.decode()


@pytest.mark.parametrize("count", [0, 5, 7, "six", None])
def test_a_list_that_counts_wrongly_is_refused(cast, small, count):
    def change(name: str, content: bytes) -> bytes:
        if name != "closeknit.json":
            return content
        manifest = json.loads(content)
        manifest["sections"]["sheets"]["entries"] = count
        return json.dumps(manifest).encode()

    answer = bring(cast.eve, repacked(small, change))
    assert answer.status_code == 422 and "closeknit.json" in answer.content.decode() and not Arrival.objects.exists()


@pytest.mark.parametrize("name", [SHEETS, PICTURES])
def test_a_file_that_is_listed_and_not_there_is_named(cast, raw, name):
    answer = bring(cast.eve, repacked(raw, lambda path, content: None if path == name else content))
    assert answer.status_code == 422 and f"{name} is missing" in answer.content.decode() and not Arrival.objects.exists()


# -- pictures --------------------------------------------------------------------------------------------------------------

FORGED_PICTURES = {
    "no id": put("id", value="x"),
    "no day": put("at", value="soon"),
    "a way out": put("file", value="../../etc/passwd"),
    "another folder": put("file", value="data/words-0001.json"),
    "no name": put("file", value=None),
    "words that are none": put("says", value=3),
    "no entry": put("word", value=None),
    "no size": put("wide", value=0),
    "a word for a size": put("high", value="9"),
    "a field more": put("onload", value="x"),
}


@pytest.mark.parametrize("kind", FORGED_PICTURES)
def test_a_picture_that_no_copy_has_refuses_the_file_and_names_where(cast, raw, kind):
    answer = bring(cast.eve, changed(raw, "", FORGED_PICTURES[kind], PICTURES))
    assert answer.status_code == 422 and f"{PICTURES} in it is not in the form" in answer.content.decode()
    assert not Arrival.objects.exists()


NO_PICTURE = {
    "not there": None,
    "a page": b"<html><script>1</script>",
    "a PNG": pressed(drawn(), "PNG"),
    "cut off": pressed(noise(200, 200))[:9000],
    "too many pixels": pressed(drawn(3000, 2000)),
    "too large": pressed(drawn()) + bytes(images.MOST_KEPT),
}


@pytest.mark.parametrize("kind", NO_PICTURE)
def test_a_file_that_is_no_picture_of_ours_stays_and_all_else_comes(cast, raw, kind):
    wanted = next(one["file"] for one in data_of(raw)["pictures"] if one["says"])
    bring(cast.eve, repacked(raw, lambda name, content: NO_PICTURE[kind] if name == wanted else content))
    shown = page(cast.eve)
    assert "1 picture cannot come: their file is not in the copy, or does not open" in shown and "A picture: 1" in shown
    yes(cast.eve)
    assert Picture.objects.filter(member=cast.eve.member).count() == 1 and held(take(cast.eve)) == held(raw)


def test_nothing_but_pixels_comes_with_a_picture(cast, raw):
    wanted = next(one["file"] for one in data_of(raw)["pictures"] if one["says"])
    bring(cast.eve, repacked(raw, lambda name, content: told_of() if name == wanted else content))
    yes(cast.eve)
    again = take(cast.eve)
    one = next(one for one in data_of(again)["pictures"] if one["says"])
    jpeg = zipfile.ZipFile(io.BytesIO(again)).read(one["file"])
    assert SECRET.encode() not in jpeg and (one["wide"], one["high"]) == (40, 60)


def test_a_picture_without_its_entry_stays(cast, raw):
    def change(name: str, content: bytes) -> bytes:
        if name != PICTURES:
            return content
        entries = json.loads(content)["entries"]
        return json.dumps({"entries": [{**one, "word": str(one["id"])} for one in entries]}).encode()

    bring(cast.eve, repacked(raw, change))
    assert "2 pictures cannot come: the entry that they belong to is not in your journal here" in page(cast.eve)
    yes(cast.eve)
    assert not Picture.objects.filter(member=cast.eve.member).exists()


def test_pictures_go_to_an_entry_that_is_here_already_as_far_as_it_has_room(cast, raw, monkeypatch):
    bring(cast.eve, repacked(raw, lambda name, content: None if name.startswith("pictures/") else content))
    yes(cast.eve)
    assert not Picture.objects.filter(member=cast.eve.member).exists()
    monkeypatch.setattr(gallery, "MOST", 1)
    bring(cast.eve, raw)
    assert "A picture: 1" in page(cast.eve) and "their entry has six pictures already" in page(cast.eve)
    yes(cast.eve)
    assert Picture.objects.filter(member=cast.eve.member).count() == 1


def test_of_very_many_the_first_come_and_the_same_file_brings_the_others(cast, raw, monkeypatch):
    monkeypatch.setattr(services, "MOST_IMAGES", 1)
    for number in (1, 2):
        bring(cast.eve, raw)
        assert ("choose the same file again" in page(cast.eve)) == (number == 1)
        assert ("Bring all of it" in page(cast.eve)) and yes(cast.eve)
        assert Picture.objects.filter(member=cast.eve.member).count() == number
    assert pictured(take(cast.eve)) == pictured(raw)


def test_while_others_pictures_are_worked_on_the_page_says_so(cast, raw, monkeypatch):
    monkeypatch.setattr(images, "PATIENCE_SECONDS", 0.01)
    with images._one_at_a_time:
        answer = bring(cast.eve, raw)
    assert answer.status_code == 422 and "Choose the file again in a minute" in answer.content.decode()
    assert not Arrival.objects.exists()
    assert bring(cast.eve, raw).status_code == 302


def test_a_large_picture_waits_in_parts_and_arrives_whole(cast):
    send(cast.ana, "/reflect/write/", text="An entry.")
    entry = re.search(r"/reflect/pictures/[0-9a-f-]+/", get(cast.ana, "/reflect/journal/")).group(0)
    send(cast.ana, entry, file=file(pressed(noise(1500, 900), "PNG")))
    bring(cast.eve, take(cast.ana))
    assert Arrival.objects.count() > 6
    yes(cast.eve)
    row = Picture.objects.get(member=cast.eve.member)
    assert PicturePart.objects.filter(picture=row).count() > 4
    size = Image.open(io.BytesIO(gallery.picture_bytes(cast.eve.keyring, row))).size
    theirs = gallery.shown(Picture.objects.get(member=cast.ana.member), cast.ana.keyring)
    assert size == (theirs.wide, theirs.high)
