"""The shipped conversations are whole and can be walked by anyone to their end, and each check catches its fault."""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from pydantic import ValidationError

from closeknit.cli import main
from closeknit.method import scripts
from closeknit.method.content import BondKind, BrokenPack
from closeknit.method.dialogue import Choice, Event, Phase, State, Verb, Verdict, Wish, acts, begin, step, view
from closeknit.method.scripts import Act, Repeat, Script
from tests.words import grade

ROOT = Path(__file__).resolve().parents[2]
CONTENT = ROOT / "content"
SHIPPED = scripts.load_scripts(CONTENT)
IDS = sorted(SHIPPED)
FOR_MORE = {"good-news", "appreciation", "days-stress", "rising-questions", "understood", "state-of-us", "talking-piece"}


# -- what is shipped --------------------------------------------------------------------------------------------------


def test_twelve_are_shipped_without_a_fault():
    report = scripts.check_scripts(CONTENT)
    assert report.problems == () and report.counts == {"scripts": 12} and len(SHIPPED) == 12


def test_who_they_are_for():
    assert {one.id for one in SHIPPED.values() if one.members[1] > 2} == FOR_MORE
    assert all(SHIPPED[one].members == (2, 12) for one in FOR_MORE - {"talking-piece"})
    assert SHIPPED["talking-piece"].members == (3, 12)
    assert all(one.members == (2, 2) for one in SHIPPED.values() if one.id not in FOR_MORE)
    assert {one.id for one in SHIPPED.values() if set(one.kinds) != set(BondKind)} == {"parent-and-teen"}
    assert SHIPPED["parent-and-teen"].kinds == (BondKind.FAMILY,)


def test_what_asks_for_more_comes_later_and_after_the_private_check():
    later = {one.id for one in SHIPPED.values() if one.later_because}
    assert later == {"repair", "worry-about-us", "saying-sorry"}
    assert all(SHIPPED[one].gate and not SHIPPED[one].calm and SHIPPED[one].caution for one in later)
    assert {one.id for one in SHIPPED.values() if not one.gate} == {"good-news", "days-stress"}
    for members in (2, 3, 12):
        calm = [one for one in SHIPPED.values() if one.calm and one.members[0] <= members <= one.members[1]]
        assert len([one for one in calm if set(one.kinds) == set(BondKind)]) >= 4


def test_every_source_is_explained():
    page = (ROOT / "docs" / "method" / "dialogues.md").read_text("utf-8")
    table = set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE))
    used = {source for one in SHIPPED.values() for source in one.sources}
    assert used == table
    for one in SHIPPED.values():
        (section,) = re.findall(rf"^### .*\(`{one.id}`\)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
        assert all(f"`{source}`" in section for source in one.sources), one.id
        assert "**Evidence: " in section and "**Ours:**" in section


@pytest.mark.parametrize("script_id", IDS)
def test_they_are_easy_to_read(script_id):
    script = SHIPPED[script_id]
    assert grade([text for _where, text in scripts.texts(script)]) <= 8
    prose = [script.purpose, script.before, script.caution, script.later_because]
    assert grade([text for text in prose if text]) <= 8


def test_no_two_have_a_stage_of_the_same_title():
    found = defaultdict(set)
    for script in SHIPPED.values():
        for part in script.parts:
            for stage in part.stages:
                for side in filter(None, (stage.acting, stage.watching)):
                    found[side.title.casefold()].add(script.id)
    assert {title: ids for title, ids in found.items() if len(ids) > 1} == {}


@pytest.mark.parametrize("script_id", IDS)
def test_each_ends_with_all_of_them_thanking_each_other(script_id):
    last = SHIPPED[script_id].parts[-1]
    assert last.repeat is Repeat.ONCE and last.stages[-1].act is Act.READY
    assert "thank" in f"{last.stages[-1].acting.title} {' '.join(last.stages[-1].acting.do)}".casefold()


@pytest.mark.parametrize("script_id", IDS)
def test_they_read_right_with_one_name_and_with_several(script_id):
    """{others} may be "the others": never at the beginning of a sentence, never where only those read who are among them."""
    for part in SHIPPED[script_id].parts:
        for stage in part.stages:
            for text in [*stage.acting.do, *stage.acting.start, stage.acting.title]:
                assert not re.search(r"(?:^|[.?:] )\{others\}", text)
                if stage.who in {scripts.Who.ALL, scripts.Who.EACH}:
                    assert "{lead}" not in text and "{listener}" not in text
                assert "{speaker}" not in text
            watching = stage.watching
            for text in [watching.title, *watching.do, *watching.start] if watching else []:
                assert "{others}" not in text
                if stage.who in {scripts.Who.OTHERS, scripts.Who.EACH}:
                    assert "{lead}" not in text or stage.who is not scripts.Who.EACH


def test_the_schema_is_current():
    text = (CONTENT / "schema" / "dialogues.schema.json").read_text("utf-8")
    assert json.loads(text) == json.loads(json.dumps(scripts.write_script_schema()))


def test_the_schema_takes_what_is_shipped():
    import jsonschema

    schema = json.loads((CONTENT / "schema" / "dialogues.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in sorted(CONTENT.glob("*/dialogues/*.yaml")):
        jsonschema.validate(yaml.safe_load(path.read_text("utf-8")), schema)


# -- each fault is found ----------------------------------------------------------------------------------------------

STAGE = {
    "id": "tell",
    "act": "say",
    "who": "lead",
    "seconds": 60,
    "acting": {"title": "Tell a small thing"},
    "watching": {"title": "Listen to it"},
}
CHOICE = {
    **STAGE,
    "id": "which",
    "act": "choose",
    "options": [{"id": "on", "label": "On"}, {"id": "back", "label": "Back", "goto": "tell", "at_most": 1}],
}
GOOD = {
    "id": "small-things",
    "title": "Small things",
    "purpose": "Each tells a small thing.",
    "before": "One tells. The rest listen.",
    "minutes": [3, 6],
    "effort": "light",
    "calm": True,
    "component": "trust",
    "gate": True,
    "sources": ["nobody-2020"],
    "parts": [{"id": "things", "title": "Things", "repeat": "each", "stages": [STAGE, CHOICE]}],
}


def changed(script: dict = GOOD, stage: dict | None = None, choice: dict | None = None, **fields: object) -> dict:
    """The good script with other fields, in itself or in its first or second stage."""
    made = {**deepcopy(script), **fields}
    if "parts" not in fields:
        stages = made["parts"][0]["stages"]
        stages[0] |= stage or {}
        stages[1] |= choice or {}
    return made


def pack(folder: Path, *made: dict, text: str | None = None, **fields: object) -> Path:
    place = folder / "en" / "dialogues"
    place.mkdir(parents=True)
    whole = {"language": "en", "author": "Test", "licence": "CC BY 4.0", "scripts": list(made), **fields}
    (place / "test.yaml").write_text(text if text is not None else yaml.safe_dump(whole, sort_keys=False), "utf-8")
    return folder


def codes(root: Path) -> set[str]:
    return {problem.code for problem in scripts.check_scripts(root).problems}


def test_a_good_script_has_no_fault(tmp_path):
    assert codes(pack(tmp_path, GOOD)) == set()


ROUND = [{"id": "on", "label": "On", "goto": "tell"}]


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (changed(choice={"options": [{"id": "on", "label": "On", "goto": "nowhere"}]}), {"goto"}),
        (changed(choice={"options": [{"id": "on", "label": "On", "goto": "part:nowhere"}]}), {"goto"}),
        (changed(stage={"then": "nowhere"}), {"goto"}),
        (changed(choice={"options": [*ROUND, {"id": "out", "label": "Out", "goto": "end"}]}), {"endless"}),
        (changed(choice={"options": ROUND}), {"endless", "no-end"}),
        (changed(stage={"then": "tell"}), {"endless", "no-end", "unreached"}),
        (changed(stage={"then": "end"}), {"unreached"}),
        (changed(title="A journey"), {"word"}),
        (changed(stage={"stuck": "Say it!"}), {"loud"}),
        (changed(purpose="Each " + "and each " * 13 + "tells it."), {"long"}),
        (changed(stage={"stuck": "Ask {friend} about it."}), {"name"}),
        (changed(before="One. Two. Three. Four."), {"before"}),
        (changed(calm=False, gate=False), {"gate"}),
        (changed(later_because="It is hard."), {"later"}),
    ],
)
def test_each_fault_is_found(tmp_path, made, found):
    assert codes(pack(tmp_path, made)) == found


CARDS = {"id": "cards", "title": "Cards", "repeat": "cards", "stages": [STAGE]}
ALL = {"who": "all", "watching": None}


@pytest.mark.parametrize(
    "made",
    [
        changed(minutes=[6, 3]),
        changed(minutes=[5, 61]),
        changed(members=[1, 2]),
        changed(members=[2, 13]),
        changed(colour="red"),
        changed(sources=[]),
        changed(parts=[GOOD["parts"][0], GOOD["parts"][0]]),
        changed(parts=[{**GOOD["parts"][0], "stages": [STAGE, STAGE]}]),
        changed(parts=[CARDS]),
        changed(parts=[{**CARDS, "repeat": "once", "cards": [1, 2, 3]}]),
        changed(parts=[{**CARDS, "cards": [1, 2, 3], "at_most": 2}]),
        changed(stage={"options": CHOICE["options"]}),
        changed(choice={"options": []}),
        changed(choice={"options": [{"id": "on", "label": "On"}, {"id": "on", "label": "Off"}]}),
        changed(choice={"options": [{"id": "back", "label": "Back", "goto": "tell", "at_most": 1}]}),
        changed(choice={"who": "others"}),
        changed(choice={"then": "end"}),
        changed(choice={"carries_round": True}),
        changed(stage={"carries_round": True, "may_pass": False}),
        changed(stage={"quiet": True}),
        changed(stage={"act": "build"}),
        changed(stage={"fields": [{"id": "one", "label": "One", "hint": "The first"}]}),
        changed(stage={"act": "ready"}),
        changed(stage={"act": "wish"}),
        changed(stage=ALL),
        changed(stage={"act": "respond"}),
        changed(stage={"act": "loop", "who": "each"}),
        changed(stage={"watching": None}),
        changed(stage={"seconds": -1}),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, made):
    root = pack(tmp_path, made)
    assert codes(root) == {"schema"}
    with pytest.raises(BrokenPack):
        scripts.load_scripts(root)


def test_files_that_are_no_packs(tmp_path):
    assert codes(pack(tmp_path / "a", text="scripts: [\n  - x")) == {"yaml"}
    assert codes(pack(tmp_path / "b", GOOD, language="de")) == {"language"}
    assert codes(pack(tmp_path / "c", GOOD, GOOD)) == {"id"}


def test_a_problem_names_file_line_and_mend(tmp_path):
    root = pack(tmp_path, GOOD, changed(id="second", effort="none at all"))
    (problem,) = scripts.check_scripts(root).problems
    lines = (root / problem.file).read_text("utf-8").splitlines()
    assert "effort: none at all" in lines[problem.line - 1] and problem.id == "second" and problem.mend


def test_a_goto_leads_to_a_stage_a_part_or_the_end():
    script = Script.model_validate(GOOD)
    assert script.target(0, "which") == (0, 1) and script.target(0, "part:things") == (0, 0)
    assert script.target(0, "end") is None
    with pytest.raises(KeyError):
        script.target(0, "away")


def test_sentences_end_where_they_end():
    assert scripts.sentences("One. Two? “Three.” Four… five.") == ["One.", "Two?", "“Three.", "Four…", "five."]


def test_the_command_checks_prompts_and_scripts(tmp_path):
    answer = CliRunner().invoke(main, ["content", "check"])
    assert answer.exit_code == 0
    kinds = ("prompts", "scripts", "tips", "rehearsals", "lessons", "claims", "feelings", "questions")
    assert re.fullmatch(", ".join(rf"\d{{2,}} {kind}" for kind in kinds) + "\n", answer.output)
    answer = CliRunner().invoke(main, ["content", "check", "--json", str(pack(tmp_path / "a", changed(title="A journey")))])
    found = json.loads(answer.output)
    assert answer.exit_code == 1 and found["counts"] == dict.fromkeys(kinds, 0) | {"scripts": 1}
    assert [(one["code"], one["id"]) for one in found["problems"]] == [("word", "small-things")]
    answer = CliRunner().invoke(main, ["content", "check", str(pack(tmp_path / "b", GOOD))])
    assert answer.exit_code == 0
    assert answer.output == ", ".join(f"{int(kind == 'scripts')} {kind}" for kind in kinds) + "\n"
    (tmp_path / "c").mkdir()
    answer = CliRunner().invoke(main, ["content", "check", "--json", str(tmp_path / "c")])
    assert answer.exit_code == 1 and [one["code"] for one in json.loads(answer.output)["problems"]] == ["empty"]


# -- walking ----------------------------------------------------------------------------------------------------------

#: Acts with which a conversation goes on, and a turn by which each is done.
LEADS_ON = {
    "done": [{}],
    "said": [{"item": ""}],
    "reflected": [{"item": ""}],
    "judged": [{"verdict": verdict, "item": ""} for verdict in Verdict],
    "more": [{"more": True}, {"more": False}],
    "let-rest": [{}],
    "rephrased": [{}],
    "validated": [{"item": ""}],
    "empathised": [{"item": ""}],
    "confirmed": [{"item": ""}],
    "responded": [{"choice": choice} for choice in Choice],
    "wish": [{"wish": wish} for wish in Wish],
    "passed": [{}],
    "skipped": [{}],
}
ASIDE = {"added": [{"item": ""}], "swapped": [{}], "slower": [{}]}
MOST_STEPS = 1500


def started(script: Script, people: int, length: int = 0, cards: int = 60) -> State:
    members = tuple("abcdefghijkl"[:people])
    fields = {"members": members, "on_one": False, "length": length, "level": 1, "ceiling": 3, "cards": cards}
    state = begin(script, Event(verb=Verb.ASKED, by="a", at=0, opens_at=0, lapses_at=10**6, **fields))
    for member in members:
        state = step(state, Event(verb=Verb.ACCEPTED, by=member, at=1))
    for member in members:
        state = step(state, Event(verb=Verb.READY, by=member, at=2, notes=True))
    return step(state, Event(verb=Verb.BEGUN, by="a", at=3, order=members))


def moves(state: State, member: str, *, aside: bool) -> Iterator[tuple[str, Event]]:
    """(a name, an event) for each way in which this member can go on from here."""
    known = {**LEADS_ON, **ASIDE} if aside else LEADS_ON
    for name in sorted(acts(state, member, state.since + 1)):
        verb, _, option = name.partition(":")
        for number, fields in enumerate([{"option": option}] if verb == "chose" else known.get(verb, [])):
            value = Verb.WISHED if verb == "wish" else Verb(verb)
            event = Event(verb=value, by=member, at=state.since + 1, step=state.step, **fields)
            yield f"{state.part}/{state.stage}/{name}/{number}", event


def place(state: State) -> tuple[int, int] | None:
    return None if state.phase is Phase.CLOSED else (state.part, state.stage)


def walk(script: Script, state: State, rng: random.Random, used: Counter[str], *, aside: bool) -> Iterator[State]:
    """Every state on one way to the end, by what has been done least often so far."""
    for _ in range(MOST_STEPS):
        yield state
        if state.phase is Phase.CLOSED:
            return
        open_now = list(moves(state, rng.choice(sorted(state.acting)), aside=False))
        assert open_now, place(state)
        if aside:
            open_now += moves(state, rng.choice(state.inside), aside=True)
        least = min(used[name] for name, _event in open_now)
        name, event = rng.choice([move for move in open_now if used[move[0]] == least])
        used[name] += 1
        state = step(state, event)
    raise AssertionError(f"{script.id}: no end")


@cache
def onward(script: Script, node: tuple[int, int]) -> frozenset[tuple[int, int] | None]:
    """Where a stage may lead, past stages that only follow "tell me more"."""
    found: set[tuple[int, int] | None] = set()
    queue = list(scripts.edges(script, node))
    while queue:
        one = queue.pop()
        if one in found:
            continue
        found.add(one)
        if one is not None and script.parts[one[0]].stages[one[1]].after_tell_more:
            queue += scripts.edges(script, one)
    return frozenset(found)


@pytest.mark.parametrize("script_id", IDS)
@pytest.mark.parametrize("people", [2, 3, 5])
def test_every_way_leads_to_the_end(script_id, people):
    """With whatever choices; somebody can always go on; the way is the one that the graph has; each stage is come to."""
    script = SHIPPED[script_id]
    if not script.members[0] <= people <= script.members[1]:
        with pytest.raises(Exception, match="members"):
            started(script, people)
        return
    rng, used, come_to = random.Random(f"{script_id} {people}"), Counter(), set()
    for length in (0, 1, 2):
        for turn in range(4 if length == 0 else 1 if script.has_cards else 0):
            before = None
            for state in walk(script, started(script, people, length), rng, used, aside=turn % 2 == 1):
                here = place(state)
                if before is not None and here != before:
                    assert here in onward(script, before), (before, here)
                before = here
                come_to.add(here)
            assert state.phase is Phase.CLOSED
    assert come_to == {*scripts.nodes(script), None}


@pytest.mark.parametrize("script_id", IDS)
def test_whoever_only_passes_is_asked_nothing_about_silence(script_id):
    """Everyone passes whatever may be passed: then nothing waits for an answer to it."""
    script = SHIPPED[script_id]
    state = started(script, script.members[0])
    for _ in range(MOST_STEPS):
        if state.phase is Phase.CLOSED:
            break
        stage = state.the_stage
        assert stage.act is not Act.RESPOND, stage.id
        member = min(state.acting)
        open_now = dict(moves(state, member, aside=False))
        passing = [event for name, event in open_now.items() if "/passed/" in name]
        state = step(state, (passing or list(open_now.values()))[0])
    assert state.phase is Phase.CLOSED
    assert not [turn for turn in state.turns if turn.verb in {Verb.SAID, Verb.RESPONDED}]


def test_few_cards_end_it_sooner():
    script = SHIPPED["rising-questions"]
    long_way = [len(list(walk(script, started(script, 2, 2, n), random.Random(1), Counter(), aside=False))) for n in (1, 60)]
    assert long_way[0] < long_way[1]


# -- what these scripts need of the machine ---------------------------------------------------------------------------


def at_stage(script: Script, name: str, people: int = 2, choices: str = "") -> State:
    """Where a stage is come to first, everyone saying something wherever it is their turn. choices: options to take."""
    state = started(script, people)
    for _ in range(MOST_STEPS):
        if state.the_stage.id == name:
            return state
        member = min(state.acting)
        open_now = dict(moves(state, member, aside=False))
        names = [one for one in open_now if "/passed/" not in one and "/skipped/" not in one and "/more/0" not in one]
        wanted = [one for one in names if one.split("/")[2].removeprefix("chose:") in choices.split()]
        state = step(state, open_now[(wanted or names)[0]])
    raise AssertionError(name)


def act(state: State, verb: Verb, **fields: object) -> State:
    return step(state, Event(verb=verb, by=min(state.acting), at=state.since + 1, step=state.step, **fields))


def test_passing_a_turn_that_carries_the_round_ends_the_round():
    state = at_stage(SHIPPED["good-news"], "tell")
    after = act(state, Verb.PASSED)
    assert (after.the_stage.id, after.round, after.lead) == ("tell", 1, "b")
    assert act(after, Verb.PASSED).the_part.id == "close"
    assert act(state, Verb.SAID, item="").the_stage.id == "ask"


def test_a_card_that_one_of_them_answered_is_responded_to():
    state = at_stage(SHIPPED["rising-questions"], "answer", 3)
    one_answered = act(act(act(state, Verb.PASSED), Verb.SAID, item=""), Verb.PASSED)
    assert one_answered.the_stage.id == "reply" and one_answered.round == 0
    nobody = act(act(act(state, Verb.PASSED), Verb.PASSED), Verb.PASSED)
    assert (nobody.the_stage.id, nobody.round) == ("answer", 1) and nobody.card != state.card


def test_a_plan_that_nobody_makes_leads_on():
    state = at_stage(SHIPPED["state-of-us"], "plan")
    assert act(state, Verb.PASSED).the_part.id == "close"


def test_whose_floor_was_asked_for_has_said_something():
    """Spoken aloud, a turn is not passed by being asked for."""
    state = at_stage(SHIPPED["good-news"], "tell")
    late = state.since + state.the_stage.seconds + 61
    after = step(state, Event(verb=Verb.FLOOR_ASKED, by="b", at=late, step=state.step))
    assert (after.the_stage.id, after.round) == ("ask", 0)


def test_a_stage_may_lead_past_others():
    state = at_stage(SHIPPED["days-stress"], "idea", choices="listen new please")
    assert act(state, Verb.SAID, item="").the_stage.id == "thanks"
    lighter = at_stage(SHIPPED["days-stress"], "lighter", choices="mind-off")
    assert [turn.verb for turn in lighter.turns] == [Verb.CHOSE]


def test_a_stage_may_lead_to_the_end_and_to_a_later_part():
    parts = [
        {"id": "one", "title": "One", "repeat": "each", "stages": [{**STAGE, "then": "part:three"}]},
        {"id": "two", "title": "Two", "stages": [{**STAGE, "id": "never"}]},
        {"id": "three", "title": "Three", "repeat": "each", "stages": [{**STAGE, "id": "last", "then": "end"}]},
    ]
    state = started(Script.model_validate({**GOOD, "parts": parts}), 2)
    state = act(state, Verb.SAID, item="")
    assert (state.the_stage.id, state.round) == ("last", 0)
    assert act(state, Verb.SAID, item="").phase is Phase.CLOSED


def test_the_listener_may_choose_and_nobody_else():
    state = at_stage(SHIPPED["need-and-request"], "answer")
    assert state.lead == "a" and state.acting == {"b"}
    assert "chose:offer" in acts(state, "b", state.since) and not any("chose" in one for one in acts(state, "a", state.since))
    assert act(state, Verb.CHOSE, option="offer").the_stage.id == "words"


def test_at_most_two_lead_a_part():
    state = at_stage(SHIPPED["state-of-us"], "side", 5)
    assert act(act(state, Verb.PASSED), Verb.PASSED).the_part.id == "ahead"


def test_a_quiet_choice_is_shown_to_nobody_else():
    state = at_stage(SHIPPED["days-stress"], "halfway", 3, choices="listen")
    after = act(state, Verb.CHOSE, option="round")
    shown = {member: [turn.option for turn in view(after, member, after.since).turns if turn.option] for member in "abc"}
    assert shown == {"a": ["listen", "round"], "b": ["listen"], "c": ["listen"]}


def test_a_teenager_can_close_a_topic_at_once():
    state = at_stage(SHIPPED["parent-and-teen"], "tell")
    assert act(state, Verb.PASSED).round == 1
    state = at_stage(SHIPPED["parent-and-teen"], "onward")
    again = act(state, Verb.CHOSE, option="more")
    assert again.the_stage.id == "tell"
    assert [one.id for one in state.options] == ["closed", "more"]


def test_a_model_refuses_a_second_stage_of_one_name():
    with pytest.raises(ValidationError, match="two stages"):
        scripts.Part.model_validate({"id": "one", "title": "One", "stages": [STAGE, STAGE]})
