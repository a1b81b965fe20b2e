"""A script as a picture: well-formed, with every stage and every way from one to the next."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from closeknit.cli import main
from closeknit.method import picture, scripts
from closeknit.method.scripts import Repeat, Script
from tests.method.test_scripts import CONTENT, GOOD, IDS, SHIPPED, STAGE, changed, pack

SVG = "{http://www.w3.org/2000/svg}"


def parsed(script: Script) -> ElementTree.Element:
    return ElementTree.fromstring(picture.draw(script))  # noqa: S314


def named(script: Script, node: tuple[int, int] | None) -> str:
    if node is None:
        return "end"
    part = script.parts[node[0]]
    return f"{part.id}/{part.stages[node[1]].id}"


def drawn(root: ElementTree.Element) -> set[tuple[str, str]]:
    return {(one.attrib["data-from"], one.attrib["data-to"]) for one in root.iter(f"{SVG}path") if "data-from" in one.attrib}


@pytest.mark.parametrize("script_id", IDS)
def test_every_stage_is_in_it_once_in_reading_order(script_id):
    script, root = SHIPPED[script_id], parsed(SHIPPED[script_id])
    boxes = [one for one in root.iter(f"{SVG}rect") if "data-stage" in one.attrib]
    assert [one.attrib["data-stage"] for one in boxes] == [named(script, node) for node in scripts.nodes(script)]
    tops = [float(one.attrib["y"]) for one in boxes]
    bottoms = [top + float(one.attrib["height"]) for top, one in zip(tops, boxes, strict=True)]
    assert all(bottom < top for bottom, top in zip(bottoms, tops[1:], strict=False))
    bands = [one.attrib["data-part"] for one in root.iter(f"{SVG}rect") if "data-part" in one.attrib]
    assert bands == [part.id for part in script.parts]


@pytest.mark.parametrize("script_id", IDS)
def test_every_way_is_in_it_and_no_other(script_id):
    """Directly, by the end of the round, or from a part that may be left out."""
    script = SHIPPED[script_id]
    arrows = drawn(parsed(script))
    for node in scripts.nodes(script):
        part = script.parts[node[0]]
        start, ends = named(script, node), {f"round:{part.id}", f"part:{part.id}"}
        begins = {start} | {end for end in ends if end == f"part:{part.id}" or (start, end) in arrows}
        reached = {end for begin, end in arrows if begin in begins and not end.startswith("round:") and begin != end}
        wanted = {named(script, one) for one in scripts.edges(script, node)}
        again = {start} if (start, start) in arrows and start in wanted else set()
        assert reached | again == wanted, start


def test_what_the_stages_say_is_in_it():
    text = " ".join("".join(parsed(SHIPPED["days-stress"]).itertext()).split())
    for part in ("The lead · choosing · about 45 s", "What would help you now?", "Take my mind off it", "for each in turn"):
        assert part in text
    assert "{" not in re.sub(r"<style>.*</style>", "", picture.draw(SHIPPED["days-stress"]), flags=re.DOTALL)
    for script in SHIPPED.values():
        whole = " ".join(" ".join(parsed(script).itertext()).split())
        for part in script.parts:
            assert part.title in whole
            for stage in part.stages:
                assert picture.spoken_roles(stage.acting.title) in whole


@pytest.mark.parametrize("script_id", IDS)
def test_no_two_arrows_lie_on_each_other(script_id):
    """Those of one lane do not overlap in height."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for one in parsed(SHIPPED[script_id]).iter(f"{SVG}path"):
        found = re.search(r"M\S+ (\S+?)H(\S+?)Q(\S+) .*Q\S+ (\S+) ", one.attrib.get("d", ""))
        if found:
            low, high = sorted((float(found[1]), float(found[4])))
            spans.setdefault(found[3], []).append((low, high))
    for lane in spans.values():
        lane.sort()
        assert all(before[1] < after[0] for before, after in zip(lane, lane[1:], strict=False))
    turning = [part for part in SHIPPED[script_id].parts if part.repeat is not Repeat.ONCE]
    assert sum(map(len, spans.values())) >= len(turning)


def test_it_stands_alone_in_light_and_dark():
    text = picture.draw(SHIPPED["repair"])
    assert "prefers-color-scheme:dark" in text and "http" not in text.replace("http://www.w3.org/2000/svg", "")
    root = parsed(SHIPPED["repair"])
    width, height = root.attrib["viewBox"].split()[2:]
    assert (root.attrib["width"], root.attrib["height"]) == (width, height)
    for one in root.iter(f"{SVG}rect"):
        assert float(one.attrib.get("x", 0)) + float(one.attrib["width"]) <= float(width)
        assert float(one.attrib.get("y", 0)) + float(one.attrib["height"]) <= float(height)


def test_what_authors_write_is_never_markup():
    made = changed(title="Less < more & “both”", stage={"acting": {"title": "<b>Tell</b> & listen"}})
    root = parsed(Script.model_validate(made))
    assert root.find(f"{SVG}title").text == "Less < more & “both”"
    assert "<b>Tell</b> & listen" in " ".join(root.itertext()) and root.find(f".//{SVG}b") is None


def test_a_script_that_leads_nowhere_is_not_drawn():
    with pytest.raises(ValueError, match="nowhere"):
        picture.draw(Script.model_validate(changed(stage={"then": "nowhere"})))


def test_words_are_broken_where_they_fit():
    lines = picture.wrapped("one two three four five six", 60, 12)
    assert len(lines) > 1 and " ".join(lines) == "one two three four five six"
    assert picture.wrapped("unbreakable", 5, 12) == ["unbreakable"] and picture.wrapped("", 5, 12) == [""]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, ""), (20, "about 20 s"), (60, "about 1 min"), (75, "about 75 s"), (90, "about 1.5 min"), (300, "about 5 min")],
)
def test_soft_times_in_words(seconds, words):
    assert picture.soft_time(seconds) == words


def test_roles_stand_where_names_would():
    assert picture.spoken_roles("{lead} talks. {listener} and {others} hear {lead}.") == (
        "The lead talks. The listener and the others hear the lead."
    )


def test_the_command_draws(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(main, ["dialogue", "preview", "good-news"])
    assert answer.exit_code == 0 and answer.output == "good-news.svg: Good news, answered well.\n"
    assert Path("good-news.svg").read_text("utf-8") == picture.draw(SHIPPED["good-news"])
    root = pack(tmp_path / "own", GOOD)
    answer = CliRunner().invoke(main, ["dialogue", "preview", "small-things", "--content", str(root), "--out", "a.svg"])
    assert answer.exit_code == 0 and Path("a.svg").read_text("utf-8") == picture.draw(Script.model_validate(GOOD))


def test_the_command_says_what_is_wrong(tmp_path):
    answer = CliRunner().invoke(main, ["dialogue", "preview", "gossip"])
    assert answer.exit_code == 1 and "good-news" in answer.output
    answer = CliRunner().invoke(main, ["dialogue", "preview", "good-news", "--out", str(tmp_path / "none" / "a.svg")])
    assert answer.exit_code == 1 and "cannot be written" in answer.output
    root = pack(tmp_path, text="scripts: [\n  - x")
    answer = CliRunner().invoke(main, ["dialogue", "preview", "good-news", "--content", str(root)])
    assert answer.exit_code == 1 and "test.yaml:" in answer.output
    wrong = pack(tmp_path / "b", changed(stage={"then": "nowhere"}))
    answer = CliRunner().invoke(main, ["dialogue", "preview", "small-things", "--content", str(wrong)])
    assert answer.exit_code == 1 and "content check" in answer.output


def test_names_of_stages_are_counted_once():
    two = {"id": "more", "title": "More", "stages": [{**STAGE, "id": "tell"}]}
    root = parsed(Script.model_validate({**GOOD, "parts": [*GOOD["parts"], two]}))
    names = Counter(one.attrib["data-stage"] for one in root.iter(f"{SVG}rect") if "data-stage" in one.attrib)
    assert names == {"things/tell": 1, "things/which": 1, "more/tell": 1} and CONTENT.exists()
