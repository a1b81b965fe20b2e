"""The coach's room: whispers to the writer alone, stores nothing, and gives way when it is busy."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from a2wsgi import WSGIMiddleware
from django.db import connection
from django.test.utils import CaptureQueriesContext

from closeknit import vault
from closeknit.web import content
from closeknit.web.asgi import Shell
from closeknit.web.bonds.models import PrivateWord
from closeknit.web.coach import desk as desks
from closeknit.web.coach.desk import Desk, NotNow
from closeknit.web.coach.views import mark
from closeknit.web.coach.wishes import MOST_OFF, Use, Wishes, called_off
from closeknit.web.members.models import MemberRow
from closeknit.web.sealed.kinds import Reading
from closeknit.web.taking import copying
from tests.coach.made import Stub

from .test_taking import CHECK

pytestmark = pytest.mark.django_db


def choose(member, use: str = "tips", **more) -> None:
    assert member.client.post("/coach/", {"use": use, **more}).status_code == 302


def ask(member, pair, text: str, situation: str = "prompt", **more):
    return member.client.post(
        f"/b/{pair}/land/", {"text": text, "situation": situation, **more}, headers={"X-Land": "1"}
    )


def address(member, one) -> str:
    return f"/rehearse/{mark(member.keyring, one)}/"


def save(member, moment: str, text: str) -> dict:
    return member.client.post(f"{moment}draft/", {"text": text}, headers={"Accept": "application/json"}).json()


def test_before_the_first_use_it_explains_itself_and_says_nothing(cast):
    answer = ask(cast.ana, cast.pair, "You never ask me.").content.decode()
    assert "/coach/" in answer and "verdict" not in answer and "tip" not in answer.split(">", 1)[1]
    page = cast.ana.client.get("/coach/").content.decode()
    assert "It keeps nothing" in page and "What it gets wrong" in page and "not chosen yet" in page


def test_a_strength_first_then_one_thing_to_try(cast):
    choose(cast.ana)
    answer = ask(cast.ana, cast.pair, "I felt sad. You never ask me.").content.decode()
    assert answer.index("tip-strength") < answer.index("tip-try")
    assert "<em>sad</em>" in answer and "never" in answer and answer.count('class="tip ') == 2


def test_asking_writes_nothing_at_all(cast):
    choose(cast.ana)
    ask(cast.ana, cast.pair, "At six.")
    rows = list(MemberRow.objects.values_list("id", "revision"))
    with CaptureQueriesContext(connection) as queries:
        ask(cast.ana, cast.pair, "I felt sad. You never ask me.")
    written = [one["sql"] for one in queries if one["sql"].split()[0] in {"INSERT", "UPDATE", "DELETE"}]
    assert all("django_session" in one for one in written), written
    assert list(MemberRow.objects.values_list("id", "revision")) == rows


def test_without_script_it_is_a_page_with_the_words_in_it(cast):
    choose(cast.ana)
    answer = cast.ana.client.post(f"/b/{cast.pair}/land/", {"text": "I felt sad & <b>low</b>.", "situation": "prompt"})
    page = answer.content.decode()
    assert "I felt sad &amp; &lt;b&gt;low&lt;/b&gt;." in page and "<html" in page and "tip-strength" in page


def test_several_fields_are_read_as_one_text(cast):
    choose(cast.ana)
    more = {"f-felt": "I felt sad", "f-need": "I need a word from you", "situation": "need"}
    answer = cast.ana.client.post(f"/b/{cast.pair}/land/", more, headers={"X-Land": "1"}).content.decode()
    assert "<em>sad</em>" in answer


@pytest.mark.parametrize(
    "text, says",
    [
        *(("", "Write a few words"), ("   ", "Write a few words")),
        *(("x" * 20_001, "characters more"), ("Fine.", "Nothing stands out")),
    ],
)
def test_what_cannot_be_read_says_so_kindly(cast, text, says):
    choose(cast.ana)
    answer = ask(cast.ana, cast.pair, text)
    assert says in answer.content.decode() and answer.status_code == (422 if "more" in says else 200)


def test_the_same_tip_is_not_given_a_third_time_on_a_page(cast):
    choose(cast.ana)
    given: list[str] = []
    for _press in range(4):
        answer = ask(cast.ana, cast.pair, "You never ask me.", given=",".join(given)).content.decode()
        given += [one for one in answer.split('data-tips="')[1].split('"')[0].split(",") if one]
    assert given.count("always-never") == 2


def test_it_can_be_switched_off_everywhere_or_in_one_bond(cast):
    button, moment = "How might this land?", f"/b/{cast.pair}/m/{cast.first_moment(cast.ana).id}/"
    assert button in cast.ana.client.get(moment).content.decode()
    choose(cast.ana, quiet_in=[str(cast.pair)])
    assert button not in cast.ana.client.get(moment).content.decode()
    assert "Tips are off here" in ask(cast.ana, cast.pair, "You never ask me.").content.decode()
    assert button in cast.jonas.client.get(moment).content.decode()
    choose(cast.ana, "none")
    page = cast.ana.client.get(moment).content.decode()
    assert button not in page and "data-care" not in page


def test_the_host_can_switch_it_off_for_all(cast, settings):
    settings.CONFIG = settings.CONFIG.model_copy(update={"coach": False})
    moment = f"/b/{cast.pair}/m/{cast.first_moment(cast.ana).id}/"
    page = cast.ana.client.get(moment).content.decode()
    assert "How might this land?" not in page and "data-care" not in page
    assert save(cast.ana, moment, "I want to die tonight.") == {"saved": True}


def test_this_was_off_changes_what_is_said_to_this_member_alone(cast):
    choose(cast.ana)
    choose(cast.jonas)
    for _time in range(MOST_OFF):
        assert cast.ana.client.post("/coach/off/", {"tip": "always-never"}).status_code == 200
    assert "tip-try" not in ask(cast.ana, cast.pair, "You never ask me.").content.decode()
    assert "tip-try" in ask(cast.jonas, cast.pair, "You never ask me.").content.decode()
    choose(cast.ana, forget="on")
    assert "tip-try" in ask(cast.ana, cast.pair, "You never ask me.").content.decode()


def test_what_was_called_off_is_counted_no_further_than_it_matters():
    rule = content.tips().rule("always-never")
    wishes = Wishes(Use.TIPS)
    for _time in range(MOST_OFF + 3):
        wishes = called_off(wishes, rule.when.about)
    assert wishes.off == {"criticism": MOST_OFF}


def test_wishes_lie_sealed_and_are_read_without_a_query_of_their_own(cast):
    choose(cast.ana, quiet_in=[str(cast.pair)])
    row = MemberRow.objects.get(member=cast.ana.member, place=vault.Place.COACH)
    assert str(cast.pair).encode() not in bytes(row.body)
    moment = f"/b/{cast.pair}/m/{cast.first_moment(cast.ana).id}/"
    cast.ana.client.get(moment)
    with CaptureQueriesContext(connection) as queries:
        cast.ana.client.get(moment)
    assert sum("members_memberrow" in one["sql"] for one in queries) == 1


# -- danger ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["I want to die tonight.", "He hits me when he drinks.", "I am so afraid of him."])
def test_signs_of_danger_bring_help_to_the_writer_alone(cast, words):
    choose(cast.ana)
    answer = ask(cast.ana, cast.pair, words).content.decode()
    assert "/care/" in answer and "Only you see this" in answer
    moment = f"/b/{cast.pair}/m/{cast.first_moment(cast.ana).id}/"
    assert save(cast.ana, moment, words) == {"saved": True, "care": True}
    for path in (moment, f"/b/{cast.pair}/", "/you/"):
        page = cast.jonas.client.get(path).content.decode()
        assert words not in page and "data-care hidden" in page or "data-care" not in page


def test_help_comes_with_tips_off_too_unless_it_is_off_as_well(cast):
    moment = f"/b/{cast.pair}/m/{cast.first_moment(cast.ana).id}/"
    for use, care in (("help", True), ("none", False)):
        choose(cast.ana, use)
        assert save(cast.ana, moment, "I want to die tonight.").get("care", False) is care


def test_nothing_of_a_sign_is_kept_or_told(cast, caplog):
    moment = f"/b/{cast.pair}/m/{cast.first_moment(cast.ana).id}/"
    before = {one: one.objects.count() for one in (MemberRow, PrivateWord)}
    with caplog.at_level("DEBUG"):
        save(cast.ana, moment, "I want to die tonight.")
    assert {one: one.objects.count() for one in before} == before
    assert "die" not in caplog.text and "self_harm" not in caplog.text


def test_the_coach_reads_only_what_its_asker_sent(cast, monkeypatch):
    """The taint test: whatever reaches the reader came in this request, never from another member's unshared words."""
    seen: list[str] = []

    class Listening(Stub):
        def read_all(self, texts):
            seen.extend(part for text, reply in texts for part in (text, reply or ""))
            return super().read_all(texts)

    monkeypatch.setattr(desks, "desk", Desk(load=Listening))
    choose(cast.ana)
    moment = cast.first_moment(cast.ana).id
    secret = "xylophone-of-jonas"
    cast.jonas.client.post(f"/b/{cast.pair}/m/{moment}/draft/", {"text": f"My {secret}, never told."})
    cast.jonas.client.post(f"/b/{cast.pair}/m/{moment}/share/", {"text": f"My {secret}, told.", "rule": "all"})
    seen.clear()
    page = cast.ana.client.get(f"/b/{cast.pair}/m/{moment}/").content.decode()
    answer = ask(cast.ana, cast.pair, "I felt sad.").content.decode()
    assert seen == ["I felt sad.", ""] and secret not in page + answer


# -- the desk -------------------------------------------------------------------------------------------------------------


class Slow(Stub):
    """Waits until it is let go."""

    def __init__(self) -> None:
        self.go, self.batches, self.held = threading.Event(), [], 0

    def read_all(self, texts):
        self.held = len(texts)
        self.go.wait(30)
        self.batches.append(len(texts))
        return super().read_all(texts)


def test_a_busy_coach_says_not_now_and_the_words_stay(cast, monkeypatch):
    slow = Slow()
    monkeypatch.setattr(desks, "desk", Desk(load=lambda: slow, most=1))
    monkeypatch.setattr(desks, "PATIENCE", 0.05)
    choose(cast.ana)
    assert "Not now" in ask(cast.ana, cast.pair, "You never ask me.").content.decode()
    page = cast.ana.client.post(f"/b/{cast.pair}/land/", {"text": "You never ask me.", "situation": "prompt"})
    assert "Not now" in page.content.decode() and "You never ask me." in page.content.decode()
    slow.go.set()


def test_whoever_waited_long_before_a_thread_was_free_is_not_read_for(cast, monkeypatch):
    choose(cast.ana)
    stub = Stub()
    monkeypatch.setattr(desks, "desk", Desk(load=lambda: stub))
    late = {"X-Land": "1", "X-Arrived": str(time.monotonic() - desks.PATIENCE - 1)}
    words = {"text": "You never ask me.", "situation": "prompt"}
    page = cast.ana.client.post(f"/b/{cast.pair}/land/", words, headers=late)
    assert "Not now" in page.content.decode() and page.status_code == 200
    assert "Not now" not in cast.ana.client.post(f"/b/{cast.pair}/land/", words, headers={"X-Land": "1"}).content.decode()
    played = cast.ana.client.post(
        address(cast.ana, content.rehearsals()[0]), {"do": "see", "text": "I am here."}, headers=late
    )
    assert played.status_code == 503


def test_since_when_somebody_waits_the_server_alone_says():
    met: list[list[str]] = []

    def page(environ, start_response):
        met.append([value for name, value in environ.items() if name == "HTTP_X_ARRIVED"])
        start_response("200 OK", [])
        return [b""]

    async def press():
        shell = Shell()
        shell._coach = WSGIMiddleware(page, workers=1)
        scope = {"type": "http", "method": "POST", "path": "/b/x/land/", "raw_path": b"/b/x/land/", "query_string": b""}
        scope |= {"root_path": "", "scheme": "http", "http_version": "1.1", "server": ("here", 80), "client": ("me", 1)}

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            pass

        await shell({**scope, "headers": [(b"x-arrived", b"0"), (b"content-length", b"0")]}, receive, send)

    asyncio.run(press())
    assert len(met) == 1 and 0 <= time.monotonic() - float(met[0][0]) < 60


def test_one_reader_reads_for_many_and_reads_together():
    slow, made = Slow(), []
    desk = Desk(load=lambda: made.append(1) or slow)
    found: list[list] = []
    threads = [threading.Thread(target=lambda: found.append(desk.read([("You never ask.", None)], 10))) for _n in range(7)]
    for one in threads:
        one.start()
    # The reader took one, or a few at once, and is held up with them; the others wait.
    until = time.monotonic() + 20
    while desk._waiting.qsize() + slow.held < 7 and time.monotonic() < until:
        time.sleep(0.005)
    slow.go.set()
    for one in threads:
        one.join(10)
    assert len(found) == 7 and all(one[0].labels == ("criticism",) for one in found)
    assert made == [1] and sum(slow.batches) == 7 and max(slow.batches) > 1


def test_the_queue_is_bounded_and_whoever_gave_up_is_not_read_for():
    slow = Slow()
    desk = Desk(load=lambda: slow, most=2)
    for _time in range(3):
        with pytest.raises(NotNow):
            desk.read([("a", None)], 0.2)
    slow.go.set()
    until = time.monotonic() + 20
    while desk._waiting.qsize() and time.monotonic() < until:
        time.sleep(0.005)
    assert desk.read([("You never ask.", None)], 10)[0].labels == ("criticism",)
    assert sum(slow.batches) <= 3


def test_a_machine_without_the_model_says_so_and_does_not_try_again(cast, monkeypatch, caplog):
    tries = []

    def broken():
        tries.append(1)
        raise OSError("/secret/path of words")

    monkeypatch.setattr(desks, "desk", Desk(load=broken))
    choose(cast.ana)
    for _time in range(2):
        assert "not set up" in ask(cast.ana, cast.pair, "You never ask me.").content.decode()
    assert tries == [1] and "words" not in caplog.text


# -- rehearsals -----------------------------------------------------------------------------------------------------------


def test_a_rehearsal_goes_to_its_end_and_keeps_nothing_unless_it_is_kept(cast):
    one = content.rehearsals()[0]
    path = address(cast.ana, one)
    page = cast.ana.client.get(path).content.decode()
    assert one.opening.split(".")[0] in page.replace("&#x27;", "'") and "How it may land" not in page
    rows = PrivateWord.objects.count()
    said: list[str] = []
    for turn in range(3):
        text = f"It sounds like turn {turn} was heavy."
        page = cast.ana.client.post(path, {"said": said, "text": text, "do": "see"}).content.decode().replace("&#x27;", "'")
        assert one.turns[turn].heard in page and "tip-strength" in page
        other = cast.ana.client.post(path, {"said": said, "text": "You should rest.", "earlier": text, "do": "see"})
        other = other.content.decode().replace("&#x27;", "'")
        assert one.turns[turn].advised in other and text in other
        page = cast.ana.client.post(path, {"said": said, "text": text, "do": "on"}).content.decode()
        said.append(text)
        assert PrivateWord.objects.count() == rows
    assert "keep" in page and 'name="text"' not in page
    assert cast.ana.client.post(path, {"said": said, "do": "keep"}).headers["Location"] == "/you/words/"
    kept = cast.ana.client.get("/you/words/").content.decode()
    assert all(text in kept for text in said) and one.title in kept.replace("&#x27;", "'")


@pytest.mark.parametrize("data", [{"do": "see"}, {"do": "on", "text": "  "}, {"do": "see", "text": "x" * 20_001}])
def test_a_reply_that_cannot_be_read_is_explained_and_what_was_said_stays(cast, data):
    one = content.rehearsals()[0]
    answer = cast.ana.client.post(address(cast.ana, one), {"said": ["It sounds like a long day."], **data})
    page = answer.content.decode()
    assert answer.status_code == 422 and "It sounds like a long day." in page and 'class="error' in page


def test_a_rehearsal_with_a_busy_coach_keeps_what_was_typed(cast, monkeypatch):
    monkeypatch.setattr(desks, "desk", Desk(load=lambda: 1 / 0))
    one = content.rehearsals()[0]
    answer = cast.ana.client.post(address(cast.ana, one), {"text": "It sounds like a long day.", "do": "see"})
    assert answer.status_code == 503 and "It sounds like a long day." in answer.content.decode()


def test_whoever_has_no_bond_can_rehearse_too(cast):
    assert cast.eve.client.get("/rehearse/").status_code == 200


def test_a_sentence_from_another_page_comes_along_and_is_kept_nowhere(cast):
    one = content.rehearsals()[0]
    rows = PrivateWord.objects.count()
    page = cast.ana.client.post("/rehearse/", {"text": "Could you ring <me> on Sunday?"}).content.decode()
    carried = 'name="text" value="Could you ring &lt;me&gt; on Sunday?"'
    assert page.count(carried) == len(content.rehearsals())
    assert page.count('<p class="serif" dir="auto">Could you ring') == 1
    page = cast.ana.client.post(address(cast.ana, one), {"text": "Could you ring <me> on Sunday?"}).content.decode()
    assert "Could you ring &lt;me&gt; on Sunday?</textarea>" in page and 'class="error' not in page
    # A rung sends both the thing and the words one begins with, if there are any.
    page = cast.ana.client.post("/rehearse/", {"text": "The letter", "words": "I kept it."}).content.decode()
    assert 'value="I kept it."' in page and 'value="The letter"' not in page
    page = cast.ana.client.post("/rehearse/", {"text": "The letter", "words": " "}).content.decode()
    assert 'value="The letter"' in page
    assert "comes along" not in cast.ana.client.post("/rehearse/", {"text": "x" * 20_001}).content.decode()
    assert PrivateWord.objects.count() == rows and "Could you ring" not in cast.ana.client.get("/rehearse/").content.decode()


def test_an_address_tells_nobody_what_is_practised(cast):
    page = cast.ana.client.get("/rehearse/").content.decode()
    mine, others = ({mark(who.keyring, one) for one in content.rehearsals()} for who in (cast.ana, cast.eve))
    assert all(f"/rehearse/{one}/" in page for one in mine) and not mine & others
    assert not any(one.id in page for one in content.rehearsals())
    assert cast.eve.client.get(f"/rehearse/{min(mine)}/").status_code == 404


def test_what_was_chosen_and_kept_is_in_the_copy_of_everything_as_its_schema_says(cast):
    one = content.rehearsals()[0]
    choose(cast.ana, quiet_in=[str(cast.pair)])
    cast.ana.client.post("/coach/off/", {"tip": "always-never"})
    cast.ana.client.post(address(cast.ana, one), {"said": ["It sounds like a long day."] * 3, "do": "keep"})
    entries = list(copying.entries_of(Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])))
    for section, values in entries:
        CHECK.validate({"section": section, "entries": [values]})
    kept = [values for section, values in entries if section == "words" and one.opening in values["text"]]
    assert [values["kind"] for values in kept] == ["rehearsal"]
    (chosen,) = [values["values"] for section, values in entries if values.get("place") == "member.coach"]
    assert chosen == {"use": "tips", "quiet_in": [str(cast.pair)], "off": {"criticism": 1}}


def test_whoever_comes_back_to_the_page_without_script_is_led_to_today(cast):
    assert cast.ana.client.get(f"/b/{cast.pair}/land/").headers["Location"] == f"/b/{cast.pair}/"
