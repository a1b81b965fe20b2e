"""A moment: one prompt opened in one bond, folded from events in order. Pure: no clock, no chance, no words.

Events are verbs without words; every text is an item that this module knows by its opaque id only. `step` is the one
place where a moment changes, `view` the one place that says what a member's page may show. A page shows a view and
nothing else, so a promise that holds for views holds for pages.

**Who takes part.** Who is *asked* is fixed when the moment opens; a founding moment (the bond's first) also admits
who joins before its reveal. In a bond of two both take part from the start. In a circle taking part is asked, not
assumed: whoever opens it takes part; another takes part by saying so (`TAKING_PART`, seen by all) or by answering.

- Whoever said so and has not answered is waited for. So the page of a circle offers "I take part" before the form, and
  who is still thinking is waited for while nobody's silence can hold up or be held against anybody.
- Whoever was asked and stays silent is not waited for and shows nowhere. Passing is no event at all. Their answer, if
  it comes later, opens at once; before it they see the answers only if every author lets them.
- Who takes part by answering alone is not listed before the reveal, or the list would tell of an untold answer.
- `STEPPED_OUT`, in circles and before one's own answer, takes the visible "I take part" back. It cannot be quiet: the
  name leaves a list that all could see, and if nobody else is waited for the moment opens there and then, as it would
  have without that yes. Hiding it would show a name as taking part that does not, and the reveal would give it away.
  The page says both before the tap; whoever wants to leave no trace stays silent, which is always possible.

**Reveal.** It opens when at least two have answered and each author's own rule is met: `ALL` (everyone who takes part
has answered) or `TWO` (as soon as two have). One author with `ALL` is enough to wait. Nobody's answer is shown by what
others choose: `RELEASED` opens its author's answer and no other, to all who are asked, whether they answer or not; it
counts as that author allowing a reveal. So in a bond of two an answer that follows a release opens at once, and in a
circle it follows its own author's rule. A reveal is for good; who answers later is seen at once. A release while others
are there ends the admission of newcomers to a founding moment, as a reveal does: what was shared earlier stays with
those who were there. A release while nobody else is there is meant for whoever comes.
What an untold answer does change is when the moment opens: it may be the last one missing, or its `ALL` may hold back
what two others would allow. That is what its author chose; until then no other view can tell of it.

**Strict.** When the conditions are met the moment is `OPENING` until every author has handed over (`HANDED`: the bond's
wrap of that answer exists). Nobody sees anything before the last. If the conditions lapse meanwhile (an author
withdraws or goes back to `ALL`), hand-overs lapse too: whoever keeps wraps deletes those of `before` that `after` does
not hold as `handed`. A release, and an answer after the reveal, are wrapped by their author's own request and need no
hand-over. Only authors are told of `OPENING`; if it lapses, they can tell that something was changed, not what was
written.

**Who sees an answer.** Its author; everyone asked, if it is released; after the reveal whoever has a *seat* (answered,
then or later), and everyone else asked only if every author lets them. A seat stays when its holder withdraws: taking
words back is never paid for with what one was already trusted with, or nobody would dare to.

**Taking back.** A withdrawn answer, its notes and the responses to it are gone from every other view, without a mark.
What others said beneath it stays theirs to read (`own_words`) and to take back, and shows to nobody else.

**Order.** Answers and responses are kept in the order of the roster, not of arrival: no view can tell who was first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias

MemberId: TypeAlias = str
ItemId: TypeAlias = str

PAYLOAD_VERSION = 1
#: No rule opens a moment with fewer; one answer alone is opened by its author's release only.
FEWEST_ANSWERS = 2


# Refusals ------------------------------------------------------------------------------------------------------------


class MomentError(Exception):
    """Base of all refusals. `code` is stable; the text is for developers and holds no id and no word of a member."""

    code = "moment"
    says = "This is not possible in this moment."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.says)


class UnknownVersion(MomentError):
    """A payload from a newer Closeknit, or none at all."""

    code = "unknown-version"
    says = "The event has a version that this program does not know."


class UnknownVerb(MomentError):
    """A payload with a verb that this program does not know."""

    code = "unknown-verb"
    says = "The event has a verb that this program does not know."


class BadEvent(MomentError):
    """A field is missing, of the wrong type, or does not belong to its verb; or an opening that contradicts itself."""

    code = "bad-event"
    says = "The event does not have the fields that its verb needs."


class NotOpen(MomentError):
    """Any event, or a fold, before OPENED."""

    code = "not-open"
    says = "Nothing has been opened yet: OPENED comes first."


class AlreadyOpen(MomentError):
    """A second OPENED."""

    code = "already-open"
    says = "This moment is open already: open another one."


class NotInvited(MomentError):
    """Whoever acts or looks is not among those asked: a stranger, or someone who left."""

    code = "not-invited"
    says = "Only who was asked when the moment opened belongs to it."


class AlreadyIn(MomentError):
    """JOINED by someone who is asked already."""

    code = "already-in"
    says = "This member is asked already."


class NotAdmitting(MomentError):
    """JOINED to a moment that is not the bond's first, or after its reveal, or after a release to others."""

    code = "not-admitting"
    says = "Only the first moment of a bond admits newcomers, and only before its reveal."


class AlreadyTakingPart(MomentError):
    """TAKING_PART by someone who said so or answered, or in a bond of two."""

    code = "already-taking-part"
    says = "This member takes part already."


class NotTakingPart(MomentError):
    """STEPPED_OUT by someone who never said that they take part."""

    code = "not-taking-part"
    says = "Nothing to step out of: staying silent is enough."


class NotACircle(MomentError):
    """STEPPED_OUT in a bond of two, where silence says as much."""

    code = "not-a-circle"
    says = "In a bond of two nobody steps out: staying silent is enough."


class AlreadyAnswered(MomentError):
    """A second answer while the first stands, or stepping out after answering."""

    code = "already-answered"
    says = "This member has answered: withdraw first."


class NotAnswered(MomentError):
    """An act on one's own answer by someone who has none."""

    code = "not-answered"
    says = "This member has no answer here."


class AlreadyRevealed(MomentError):
    """What is possible only until the reveal: rule, told, release, taking part, stepping out, handing over."""

    code = "already-revealed"
    says = "The moment is revealed: withdraw, or change who may see it."


class AlreadyReleased(MomentError):
    """Rule, told or release of an answer that is released already."""

    code = "already-released"
    says = "This answer is released: it can only be withdrawn."


class AlreadyHanded(MomentError):
    """A second HANDED of the same answer."""

    code = "already-handed"
    says = "This answer is handed over already."


class CannotSee(MomentError):
    """A response or words to an answer that is not there or not shown to this member: one refusal for both."""

    code = "cannot-see"
    says = "There is no such answer that this member sees."


class OwnAnswer(MomentError):
    """A first response to oneself."""

    code = "own-answer"
    says = "A first response is for another's answer."


class TooEarly(MomentError):
    """Words before the first response, a reply nobody asked for yet, a note or a hand-over before the time is due."""

    code = "too-early"
    says = "Something else comes first here."


class AdviceNotWelcome(MomentError):
    """Advice beneath an answer whose author did not ask for it, or to oneself."""

    code = "advice-not-welcome"
    says = "Advice is given only where its author said that it is welcome."


class UnknownItem(MomentError):
    """UNSAID of something that is not there, or not shown to this member: one refusal for both."""

    code = "unknown-item"
    says = "There are no such words."


class NotYours(MomentError):
    """UNSAID of another's words."""

    code = "not-yours"
    says = "Only their author takes words back."


class ItemUsed(MomentError):
    """An item that this moment has known before; each text is an item of its own."""

    code = "item-used"
    says = "This item belongs to an earlier event: make a new one."


Refusal: TypeAlias = type[MomentError]


# Events --------------------------------------------------------------------------------------------------------------


class Verb(StrEnum):
    """What happened. Values are stored: never renamed, never given a second meaning."""

    OPENED = "opened"
    JOINED = "joined"
    LEFT = "left"
    TAKING_PART = "taking-part"
    STEPPED_OUT = "stepped-out"
    ANSWERED = "answered"
    HANDED = "handed"
    WITHDREW = "withdrew"
    RELEASED = "released"
    RULE_CHANGED = "rule-changed"
    TOLD_CHANGED = "told-changed"
    ADVICE_CHANGED = "advice-changed"
    LET_SEE = "let-see"
    RESPONDED = "responded"
    SAID = "said"
    UNSAID = "unsaid"
    CHANGED = "changed"


class Rule(StrEnum):
    """When an author lets the moment open."""

    ALL = "all"
    TWO = "two"


class Choice(StrEnum):
    """The first response, chosen before any words."""

    UNDERSTAND = "understand"
    THANKS = "thanks"
    TELL_MORE = "tell-more"
    WITH_YOU = "with-you"


_FIELDS: Mapping[Verb, tuple[str, ...]] = {
    Verb.OPENED: ("invited", "circle", "strict", "founding"),
    Verb.JOINED: (),
    Verb.LEFT: ("words_stay",),
    Verb.TAKING_PART: (),
    Verb.STEPPED_OUT: (),
    Verb.ANSWERED: ("item", "rule", "told", "advice_welcome", "let_see"),
    Verb.HANDED: (),
    Verb.WITHDREW: (),
    Verb.RELEASED: (),
    Verb.RULE_CHANGED: ("rule",),
    Verb.TOLD_CHANGED: ("told",),
    Verb.ADVICE_CHANGED: ("advice_welcome",),
    Verb.LET_SEE: ("let_see",),
    Verb.RESPONDED: ("to", "choice"),
    Verb.SAID: ("to", "item", "advice"),
    Verb.UNSAID: ("item",),
    Verb.CHANGED: ("item",),
}
_TYPES: Mapping[str, type] = {
    "invited": tuple,
    "circle": bool,
    "strict": bool,
    "founding": bool,
    "words_stay": bool,
    "item": str,
    "rule": Rule,
    "told": bool,
    "advice_welcome": bool,
    "let_see": bool,
    "to": str,
    "choice": Choice,
    "advice": bool,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One verb by one member. Make it with the class methods below: a field that its verb lacks stays None.

    Raises BadEvent if a field is missing, superfluous or of the wrong type.
    """

    verb: Verb
    by: MemberId
    invited: tuple[MemberId, ...] | None = None
    circle: bool | None = None
    strict: bool | None = None
    founding: bool | None = None
    words_stay: bool | None = None
    item: ItemId | None = None
    rule: Rule | None = None
    told: bool | None = None
    advice_welcome: bool | None = None
    let_see: bool | None = None
    to: MemberId | None = None
    choice: Choice | None = None
    advice: bool | None = None

    def __post_init__(self) -> None:
        if type(self.verb) is not Verb or type(self.by) is not str or not self.by:
            raise BadEvent
        needed = _FIELDS[self.verb]
        for name, kind in _TYPES.items():
            value = getattr(self, name)
            if (name in needed and type(value) is not kind) or (name not in needed and value is not None):
                raise BadEvent(f"{self.verb.value}: {name}")
        if self.item == "" or self.to == "" or any(type(one) is not str or not one for one in self.invited or ()):
            raise BadEvent(f"{self.verb.value}: an empty id")

    @classmethod
    def opened(
        cls,
        by: MemberId,
        invited: Iterable[MemberId],
        *,
        circle: bool = False,
        strict: bool = False,
        founding: bool = False,
    ) -> Event:
        """invited: all who are asked, the opener among them, each once. More than two make a circle by themselves."""
        return cls(verb=Verb.OPENED, by=by, invited=tuple(invited), circle=circle, strict=strict, founding=founding)

    @classmethod
    def joined(cls, by: MemberId) -> Event:
        """A newcomer to a founding moment, before its reveal."""
        return cls(verb=Verb.JOINED, by=by)

    @classmethod
    def left(cls, by: MemberId, *, words_stay: bool = False) -> Event:
        """Left the bond. words_stay: what was shown already stays; what was not is gone either way."""
        return cls(verb=Verb.LEFT, by=by, words_stay=words_stay)

    @classmethod
    def taking_part(cls, by: MemberId) -> Event:
        """Says so to all: wait for me."""
        return cls(verb=Verb.TAKING_PART, by=by)

    @classmethod
    def stepped_out(cls, by: MemberId) -> Event:
        """Takes that back; may open the moment for the others."""
        return cls(verb=Verb.STEPPED_OUT, by=by)

    @classmethod
    def answered(
        cls,
        by: MemberId,
        item: ItemId,
        *,
        rule: Rule = Rule.ALL,
        told: bool = True,
        advice_welcome: bool = False,
        let_see: bool = False,
    ) -> Event:
        """let_see: after the reveal those who did not answer may see it, if every author says so."""
        return cls(
            verb=Verb.ANSWERED,
            by=by,
            item=item,
            rule=rule,
            told=told,
            advice_welcome=advice_welcome,
            let_see=let_see,
        )

    @classmethod
    def handed(cls, by: MemberId) -> Event:
        """Strict reveal: the bond's wrap of this author's answer now exists."""
        return cls(verb=Verb.HANDED, by=by)

    @classmethod
    def withdrew(cls, by: MemberId) -> Event:
        """The answer is its author's alone again, before the reveal or after it."""
        return cls(verb=Verb.WITHDREW, by=by)

    @classmethod
    def released(cls, by: MemberId) -> Event:
        """Everyone asked may see this answer now, whether they answer or not."""
        return cls(verb=Verb.RELEASED, by=by)

    @classmethod
    def rule_changed(cls, by: MemberId, rule: Rule) -> Event:
        """When the author lets the moment open."""
        return cls(verb=Verb.RULE_CHANGED, by=by, rule=rule)

    @classmethod
    def told_changed(cls, by: MemberId, told: bool) -> Event:
        """Whether the others are told that this author has answered."""
        return cls(verb=Verb.TOLD_CHANGED, by=by, told=told)

    @classmethod
    def advice_changed(cls, by: MemberId, advice_welcome: bool) -> Event:
        """Whether advice is welcome from now on."""
        return cls(verb=Verb.ADVICE_CHANGED, by=by, advice_welcome=advice_welcome)

    @classmethod
    def let_others_see(cls, by: MemberId, let_see: bool) -> Event:
        """Whether those who did not answer may see the moment, as far as this author is concerned."""
        return cls(verb=Verb.LET_SEE, by=by, let_see=let_see)

    @classmethod
    def responded(cls, by: MemberId, to: MemberId, choice: Choice) -> Event:
        """The first response to an answer. A later one replaces it: a slip of the thumb must be mendable."""
        return cls(verb=Verb.RESPONDED, by=by, to=to, choice=choice)

    @classmethod
    def said(cls, by: MemberId, to: MemberId, item: ItemId, *, advice: bool = False) -> Event:
        """Words beneath the answer of `to`; by its author too, with to = by, once someone has responded."""
        return cls(verb=Verb.SAID, by=by, to=to, item=item, advice=advice)

    @classmethod
    def unsaid(cls, by: MemberId, item: ItemId) -> Event:
        """Takes one's own words, or one's own note, back."""
        return cls(verb=Verb.UNSAID, by=by, item=item)

    @classmethod
    def changed(cls, by: MemberId, item: ItemId) -> Event:
        """A note on one's own shown answer: what changed since. When it may be offered is for who has a clock."""
        return cls(verb=Verb.CHANGED, by=by, item=item)

    def to_payload(self) -> dict[str, Any]:
        """Plain JSON values: version, verb, by, and the fields of this verb."""
        payload: dict[str, Any] = {"v": PAYLOAD_VERSION, "verb": self.verb.value, "by": self.by}
        for name in _FIELDS[self.verb]:
            value = getattr(self, name)
            if isinstance(value, StrEnum):
                value = value.value
            elif isinstance(value, tuple):
                value = list(value)
            payload[name] = value
        return payload

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Event:
        """The event that gave this payload.

        Raises UnknownVersion, UnknownVerb, or BadEvent for fields missing, superfluous or of the wrong type.
        """
        version = payload.get("v")
        if type(version) is not int or version != PAYLOAD_VERSION:
            raise UnknownVersion
        try:
            verb = Verb(payload["verb"])
        except (KeyError, ValueError):
            raise UnknownVerb from None
        if set(payload) != {"v", "verb", "by", *_FIELDS[verb]}:
            raise BadEvent(f"{verb.value}: other fields than its own")
        fields: dict[str, Any] = {name: payload[name] for name in _FIELDS[verb]}
        try:
            if "rule" in fields:
                fields["rule"] = Rule(fields["rule"])
            if "choice" in fields:
                fields["choice"] = Choice(fields["choice"])
        except ValueError:
            raise BadEvent(f"{verb.value}: an unknown value") from None
        if "invited" in fields:
            if type(fields["invited"]) is not list:
                raise BadEvent(f"{verb.value}: invited")
            fields["invited"] = tuple(fields["invited"])
        return cls(verb=verb, by=payload["by"], **fields)


# State ---------------------------------------------------------------------------------------------------------------


class Phase(StrEnum):
    """Where a moment stands."""

    OPEN = "open"
    OPENING = "opening"
    REVEALED = "revealed"


@dataclass(frozen=True, slots=True)
class Answer:
    """One member's standing answer, with what its author chose."""

    by: MemberId
    item: ItemId
    rule: Rule
    told: bool
    advice_welcome: bool
    let_see: bool
    released: bool = False
    handed: bool = False
    notes: tuple[ItemId, ...] = ()


@dataclass(frozen=True, slots=True)
class Response:
    """The first response of `by` to the answer of `to`."""

    by: MemberId
    to: MemberId
    choice: Choice


@dataclass(frozen=True, slots=True)
class Words:
    """Words said beneath an answer; `about` is that answer's item, so that they do not move to a later one."""

    by: MemberId
    to: MemberId
    item: ItemId
    advice: bool
    about: ItemId


@dataclass(frozen=True, slots=True)
class State:
    """All there is to know: for the machine and for tests. Pages are built from `view` alone.

    roster: everyone who was ever asked, in a fixed order. members: who still is. said_yes: who takes part by having
    said so (in a bond of two: both). founding: newcomers are still admitted until the reveal. answers, responses: in
    roster order. words: in order of speaking. used: every item ever named. seats: who has had an answer in the revealed
    moment.
    """

    opener: MemberId
    circle: bool
    strict: bool
    founding: bool
    roster: tuple[MemberId, ...]
    members: frozenset[MemberId]
    said_yes: frozenset[MemberId]
    answers: tuple[Answer, ...] = ()
    responses: tuple[Response, ...] = ()
    words: tuple[Words, ...] = ()
    used: frozenset[ItemId] = frozenset()
    seats: frozenset[MemberId] = frozenset()
    revealed: bool = False

    @property
    def authors(self) -> frozenset[MemberId]:
        """Whose answers stand."""
        return frozenset(answer.by for answer in self.answers)

    @property
    def waited_for(self) -> frozenset[MemberId]:
        """Who takes part and has not answered. Never shown: the machine alone may know."""
        return self.said_yes - self.authors

    @property
    def phase(self) -> Phase:
        """The phase of the machine; a member's page shows `view(...).phase`."""
        if self.revealed:
            return Phase.REVEALED
        return Phase.OPENING if _conditions_met(self) else Phase.OPEN

    def answer_of(self, member: MemberId) -> Answer | None:
        """The standing answer of this member, if any."""
        for answer in self.answers:
            if answer.by == member:
                return answer
        return None


def _conditions_met(state: State) -> bool:
    """At least two answers, and every author's own rule met."""
    if len(state.answers) < FEWEST_ANSWERS:
        return False
    all_have = not state.waited_for
    return all(all_have or answer.released or answer.rule is Rule.TWO for answer in state.answers)


def _settle(state: State) -> State:
    """Draw the consequences of an event: reveal, lapse of hand-overs, seats."""
    if not state.revealed:
        if not _conditions_met(state):
            if any(answer.handed for answer in state.answers):
                return replace(state, answers=tuple(replace(answer, handed=False) for answer in state.answers))
            return state
        if state.strict and not all(answer.handed or answer.released for answer in state.answers):
            return state
    seats = state.seats | (state.authors & state.members)
    if state.revealed and seats == state.seats:
        return state
    return replace(state, revealed=True, seats=seats)


def _shown(state: State, answer: Answer) -> bool:
    """Whether anyone but its author may see it."""
    return state.revealed or answer.released


def _sees(state: State, member: MemberId, answer: Answer) -> bool:
    """Whether this member, who is asked, may see this answer."""
    if answer.by == member or answer.released:
        return True
    if not state.revealed:
        return False
    return member in state.seats or all(one.let_see or one.released for one in state.answers)


def _seen_answer(state: State, member: MemberId, author: MemberId) -> Answer | None:
    answer = state.answer_of(author)
    return answer if answer is not None and _sees(state, member, answer) else None


def _has_responded(state: State, by: MemberId, to: MemberId) -> bool:
    return any(response.by == by and response.to == to for response in state.responses)


# What is refused, and why. Each returns the refusal, or None where the act is allowed. They look only at what the
# member who acts can see: otherwise a refused try would tell of an answer that a page must not tell of. The one
# exception, ItemUsed, needs an id that nobody but its author holds.


def _not_joining(state: State, by: MemberId) -> Refusal | None:
    if by in state.members:
        return AlreadyIn
    return None if state.founding and not state.revealed else NotAdmitting


def _not_taking_part(state: State, by: MemberId) -> Refusal | None:
    if state.revealed:
        return AlreadyRevealed
    return AlreadyTakingPart if by in state.said_yes or state.answer_of(by) else None


def _not_stepping_out(state: State, by: MemberId) -> Refusal | None:
    if not state.circle:
        return NotACircle
    if state.revealed:
        return AlreadyRevealed
    if state.answer_of(by):
        return AlreadyAnswered
    return None if by in state.said_yes else NotTakingPart


def _not_answering(state: State, by: MemberId) -> Refusal | None:
    return AlreadyAnswered if state.answer_of(by) else None


def _not_own(state: State, by: MemberId) -> Refusal | None:
    return None if state.answer_of(by) else NotAnswered


def _not_adjusting(state: State, by: MemberId) -> Refusal | None:
    """Rule, told, release: until one's own answer is shown."""
    answer = state.answer_of(by)
    if answer is None:
        return NotAnswered
    if state.revealed:
        return AlreadyRevealed
    return AlreadyReleased if answer.released else None


def _not_handing(state: State, by: MemberId) -> Refusal | None:
    refusal = _not_adjusting(state, by)
    if refusal is not None:
        return refusal
    if state.phase is not Phase.OPENING:
        return TooEarly
    answer = state.answer_of(by)
    return AlreadyHanded if answer is not None and answer.handed else None


def _not_responding(state: State, by: MemberId, to: MemberId) -> Refusal | None:
    if by == to:
        return OwnAnswer
    return None if _seen_answer(state, by, to) else CannotSee


def _not_saying(state: State, by: MemberId, to: MemberId, advice: bool) -> Refusal | None:
    answer = _seen_answer(state, by, to)
    if answer is None:
        return CannotSee
    if by == to:
        if advice:
            return AdviceNotWelcome
        return None if any(response.to == by for response in state.responses) else TooEarly
    if not _has_responded(state, by, to):
        return TooEarly
    return AdviceNotWelcome if advice and not answer.advice_welcome else None


def _own_words(state: State, member: MemberId) -> tuple[ItemId, ...]:
    answer = state.answer_of(member)
    notes = answer.notes if answer is not None else ()
    return (*notes, *(words.item for words in state.words if words.by == member))


def _not_unsaying(state: State, by: MemberId, item: ItemId) -> Refusal | None:
    if item in _own_words(state, by):
        return None
    seen = [answer for answer in state.answers if _sees(state, by, answer)]
    items = {answer.item for answer in seen}
    if any(words.item == item and words.about in items for words in state.words):
        return NotYours
    return NotYours if any(item in answer.notes for answer in seen) else UnknownItem


def _not_noting(state: State, by: MemberId) -> Refusal | None:
    answer = state.answer_of(by)
    if answer is None:
        return NotAnswered
    return None if _shown(state, answer) else TooEarly


def _refusal(state: State, event: Event) -> Refusal | None:
    by, verb = event.by, event.verb
    if verb is Verb.OPENED:
        return AlreadyOpen
    if verb is Verb.JOINED:
        return _not_joining(state, by)
    if by not in state.members:
        return NotInvited
    refusal: Refusal | None
    match verb:
        case Verb.LEFT:
            refusal = None
        case Verb.TAKING_PART:
            refusal = _not_taking_part(state, by)
        case Verb.STEPPED_OUT:
            refusal = _not_stepping_out(state, by)
        case Verb.ANSWERED:
            refusal = _not_answering(state, by)
        case Verb.HANDED:
            refusal = _not_handing(state, by)
        case Verb.WITHDREW | Verb.ADVICE_CHANGED | Verb.LET_SEE:
            refusal = _not_own(state, by)
        case Verb.RELEASED | Verb.RULE_CHANGED | Verb.TOLD_CHANGED:
            refusal = _not_adjusting(state, by)
        case Verb.RESPONDED:
            refusal = _not_responding(state, by, event.to or "")
        case Verb.SAID:
            refusal = _not_saying(state, by, event.to or "", bool(event.advice))
        case Verb.UNSAID:
            refusal = _not_unsaying(state, by, event.item or "")
        case Verb.CHANGED:
            refusal = _not_noting(state, by)
    if refusal is None and verb is not Verb.UNSAID and event.item in state.used:
        return ItemUsed
    return refusal


# Changing ------------------------------------------------------------------------------------------------------------


def _open(event: Event) -> State:
    invited = event.invited or ()
    if event.by not in invited or len(set(invited)) != len(invited):
        raise BadEvent("opened: the opener is asked too, and each once")
    circle = bool(event.circle) or len(invited) > 2
    return State(
        opener=event.by,
        circle=circle,
        strict=bool(event.strict),
        founding=bool(event.founding),
        roster=invited,
        members=frozenset(invited),
        said_yes=frozenset({event.by}) if circle else frozenset(invited),
    )


def _join(state: State, by: MemberId) -> State:
    members = state.members | {by}
    circle = state.circle or len(members) > 2
    return replace(
        state,
        circle=circle,
        roster=state.roster if by in state.roster else (*state.roster, by),
        members=members,
        said_yes=state.said_yes if circle else state.said_yes | {by},
    )


def _without_answer(state: State, by: MemberId) -> State:
    return replace(
        state,
        answers=tuple(answer for answer in state.answers if answer.by != by),
        responses=tuple(response for response in state.responses if response.to != by),
    )


def _leave(state: State, by: MemberId, words_stay: bool) -> State:
    answer = state.answer_of(by)
    if answer is not None and not (words_stay and _shown(state, answer)):
        state = _without_answer(state, by)
    if not words_stay:
        state = replace(
            state,
            responses=tuple(response for response in state.responses if response.by != by),
            words=tuple(words for words in state.words if words.by != by),
        )
    return replace(state, members=state.members - {by}, said_yes=state.said_yes - {by}, seats=state.seats - {by})


def _with_answer(state: State, answer: Answer) -> State:
    """Add or replace an answer, in roster order."""
    rest = [one for one in state.answers if one.by != answer.by]
    return replace(state, answers=tuple(sorted([*rest, answer], key=lambda one: state.roster.index(one.by))))


def _with_response(state: State, response: Response) -> State:
    """Add or replace a response, in roster order of whom it is for, then of whom it is from."""
    place = state.roster.index
    rest = [one for one in state.responses if (one.by, one.to) != (response.by, response.to)]
    return replace(state, responses=tuple(sorted([*rest, response], key=lambda one: (place(one.to), place(one.by)))))


def _apply(state: State, event: Event) -> State:
    """The bare change. The event is legal; None-checks below only repeat what Event and `_refusal` made sure of."""
    by = event.by
    match event.verb:
        case Verb.JOINED:
            return _join(state, by)
        case Verb.LEFT:
            return _leave(state, by, bool(event.words_stay))
        case Verb.TAKING_PART:
            return replace(state, said_yes=state.said_yes | {by})
        case Verb.STEPPED_OUT:
            return replace(state, said_yes=state.said_yes - {by})
        case Verb.WITHDREW:
            return _without_answer(state, by)
        case _:
            pass
    item = event.item or ""
    if event.verb is Verb.ANSWERED:
        answer = Answer(
            by=by,
            item=item,
            rule=event.rule or Rule.ALL,
            told=bool(event.told),
            advice_welcome=bool(event.advice_welcome),
            let_see=bool(event.let_see),
        )
        return _with_answer(replace(state, used=state.used | {item}), answer)
    if event.verb is Verb.RESPONDED and event.to is not None and event.choice is not None:
        return _with_response(state, Response(by, event.to, event.choice))
    if event.verb is Verb.SAID and event.to is not None:
        beneath = state.answer_of(event.to)
        about = beneath.item if beneath is not None else ""
        words = Words(by, event.to, item, bool(event.advice), about)
        return replace(state, used=state.used | {item}, words=(*state.words, words))
    own = state.answer_of(by)
    if event.verb is Verb.UNSAID:
        if own is not None and item in own.notes:
            return _with_answer(state, replace(own, notes=tuple(note for note in own.notes if note != item)))
        return replace(state, words=tuple(words for words in state.words if words.item != item))
    if own is None:
        raise NotAnswered
    match event.verb:
        case Verb.HANDED:
            own = replace(own, handed=True)
        case Verb.RELEASED:
            own = replace(own, released=True)
            state = replace(state, founding=state.founding and len(state.members) == 1)
        case Verb.RULE_CHANGED:
            own = replace(own, rule=event.rule or Rule.ALL)
        case Verb.TOLD_CHANGED:
            own = replace(own, told=bool(event.told))
        case Verb.ADVICE_CHANGED:
            own = replace(own, advice_welcome=bool(event.advice_welcome))
        case Verb.LET_SEE:
            own = replace(own, let_see=bool(event.let_see))
        case Verb.CHANGED:
            own = replace(own, notes=(*own.notes, item))
            state = replace(state, used=state.used | {item})
        case _:
            raise BadEvent
    return _with_answer(state, own)


def step(state: State | None, event: Event) -> State:
    """The state after this event; the given one is left as it was.

    state: None before OPENED. Raises a MomentError, the one that names the reason, if the event is not allowed.
    """
    if state is None:
        if event.verb is not Verb.OPENED:
            raise NotOpen
        return _open(event)
    refusal = _refusal(state, event)
    if refusal is not None:
        raise refusal
    return _settle(_apply(state, event))


def fold(events: Iterable[Event]) -> State:
    """The state after all these events, in order. Raises NotOpen if there are none, and what `step` raises."""
    state: State | None = None
    for event in events:
        state = step(state, event)
    if state is None:
        raise NotOpen
    return state


def can(state: State | None, event: Event) -> bool:
    """Whether `step` would take this event."""
    try:
        step(state, event)
    except MomentError:
        return False
    return True


# Views ---------------------------------------------------------------------------------------------------------------


class Act(StrEnum):
    """What a page may offer. RESPOND, SAY and ADVISE come with a member, UNSAY with an item: see `act`."""

    TAKE_PART = "take_part"
    STEP_OUT = "step_out"
    ANSWER = "answer"
    WITHDRAW = "withdraw"
    RELEASE = "release"
    CHANGE_RULE = "change_rule"
    CHANGE_TOLD = "change_told"
    CHANGE_ADVICE = "change_advice"
    LET_SEE = "let_see"
    HAND_OVER = "hand_over"
    NOTE_CHANGE = "note_change"
    RESPOND = "respond"
    SAY = "say"
    ADVISE = "advise"
    UNSAY = "unsay"
    LEAVE = "leave"


def act(what: Act, whom: MemberId | ItemId = "") -> str:
    """How an act is written in `View.can`: "answer", "respond:<member>", "unsay:<item>"."""
    return f"{what.value}:{whom}" if whom else what.value


@dataclass(frozen=True, slots=True)
class MyAnswer:
    """One's own answer, with what one chose. shown: others may see it now."""

    item: ItemId
    rule: Rule
    told: bool
    advice_welcome: bool
    let_see: bool
    released: bool
    handed: bool
    shown: bool
    notes: tuple[ItemId, ...]


@dataclass(frozen=True, slots=True)
class SeenAnswer:
    """Another's answer, as far as others may know it."""

    by: MemberId
    item: ItemId
    advice_welcome: bool
    notes: tuple[ItemId, ...]


@dataclass(frozen=True, slots=True)
class SeenWords:
    """Words beneath an answer that this member sees."""

    by: MemberId
    to: MemberId
    item: ItemId
    advice: bool


@dataclass(frozen=True, slots=True)
class View:
    """Everything a page for one member may show about a moment, and nothing else.

    phase: REVEALED for everyone asked, so that who answers late knows that it opens at once; OPENING for authors only.
    asked: who is still asked, in a fixed order; taking_part: who said so, and whose answer this member sees.
    my_stance_open: in a circle, neither said "I take part" nor answered yet. waiting_for_me: takes part, not answered,
    not revealed. waiting: answered, not shown yet. others_told: in a bond of two, the other, if they let it be known;
    some_have_answered: in a circle, at least one other did. Both fall silent at the reveal.
    said: beneath the answers seen, in order of speaking. own_words: all of one's own words and notes that stand, for
    one's export and for taking them back; do not show them where their answer is gone, or they mark the gap.
    can: acts as written by `act`; exactly those that `step` takes.
    """

    member: MemberId
    phase: Phase
    opener: MemberId
    circle: bool
    strict: bool
    asked: tuple[MemberId, ...]
    taking_part: tuple[MemberId, ...]
    my_stance_open: bool
    my_answer: MyAnswer | None
    visible_answers: tuple[SeenAnswer, ...]
    others_told: frozenset[MemberId]
    some_have_answered: bool
    waiting_for_me: bool
    waiting: bool
    responses: tuple[Response, ...]
    said: tuple[SeenWords, ...]
    own_words: tuple[ItemId, ...]
    can: frozenset[str]


def _acts(state: State, member: MemberId) -> frozenset[str]:
    own = _not_own(state, member)
    adjusting = _not_adjusting(state, member)
    simple: tuple[tuple[Act, Refusal | None], ...] = (
        (Act.TAKE_PART, _not_taking_part(state, member)),
        (Act.STEP_OUT, _not_stepping_out(state, member)),
        (Act.ANSWER, _not_answering(state, member)),
        (Act.WITHDRAW, own),
        (Act.CHANGE_ADVICE, own),
        (Act.LET_SEE, own),
        (Act.RELEASE, adjusting),
        (Act.CHANGE_RULE, adjusting),
        (Act.CHANGE_TOLD, adjusting),
        (Act.HAND_OVER, _not_handing(state, member)),
        (Act.NOTE_CHANGE, _not_noting(state, member)),
    )
    acts = {act(what) for what, refusal in simple if refusal is None}
    acts.add(act(Act.LEAVE))
    for answer in state.answers:
        if _not_responding(state, member, answer.by) is None:
            acts.add(act(Act.RESPOND, answer.by))
        if _not_saying(state, member, answer.by, False) is None:
            acts.add(act(Act.SAY, answer.by))
        if _not_saying(state, member, answer.by, True) is None:
            acts.add(act(Act.ADVISE, answer.by))
    acts.update(act(Act.UNSAY, item) for item in _own_words(state, member))
    return frozenset(acts)


def view(state: State, member: MemberId) -> View:
    """What this member's page may show. Raises NotInvited for anyone who is not, or no longer, asked.

    Until an answer is shown, and if its author does not let it be known, the views of all others are equal to what they
    would be without it, whatever its author changes about it; if it is let known, it adds one name (two) or one yes
    (circle) and nothing else: no time, no length, no order.
    """
    if member not in state.members:
        raise NotInvited
    mine = state.answer_of(member)
    seen = tuple(answer for answer in state.answers if _sees(state, member, answer))
    others = tuple(answer for answer in seen if answer.by != member)
    seen_items = {answer.item for answer in seen}
    seen_authors = {answer.by for answer in seen}
    told = frozenset(
        answer.by for answer in state.answers if answer.told and answer.by != member and not _shown(state, answer)
    )
    phase = state.phase
    if phase is Phase.OPENING and mine is None:
        phase = Phase.OPEN
    return View(
        member=member,
        phase=phase,
        opener=state.opener,
        circle=state.circle,
        strict=state.strict,
        asked=tuple(one for one in state.roster if one in state.members),
        taking_part=tuple(one for one in state.roster if one in state.said_yes or one in seen_authors),
        my_stance_open=mine is None and member not in state.said_yes and not state.revealed,
        my_answer=None
        if mine is None
        else MyAnswer(
            item=mine.item,
            rule=mine.rule,
            told=mine.told,
            advice_welcome=mine.advice_welcome,
            let_see=mine.let_see,
            released=mine.released,
            handed=mine.handed,
            shown=_shown(state, mine),
            notes=mine.notes,
        ),
        visible_answers=tuple(
            SeenAnswer(answer.by, answer.item, answer.advice_welcome, answer.notes) for answer in others
        ),
        others_told=frozenset() if state.circle else told,
        some_have_answered=state.circle and bool(told),
        waiting_for_me=mine is None and member in state.said_yes and not state.revealed,
        waiting=mine is not None and not _shown(state, mine),
        responses=tuple(response for response in state.responses if response.to in seen_authors),
        said=tuple(
            SeenWords(words.by, words.to, words.item, words.advice)
            for words in state.words
            if words.about in seen_items
        ),
        own_words=_own_words(state, member),
        can=_acts(state, member),
    )


def _view_or_none(state: State | None, member: MemberId) -> View | None:
    return view(state, member) if state is not None and member in state.members else None


def changed_for(before: State | None, after: State) -> frozenset[MemberId]:
    """Whose view differs between the two, those who came or left included: whom to poke, and no one else."""
    members = after.members if before is None else before.members | after.members
    return frozenset(one for one in members if _view_or_none(before, one) != _view_or_none(after, one))


def visible_version(events: Iterable[Event], member: MemberId) -> int:
    """How often this member's view has changed over these events: the version for pokes.

    It counts nothing that this member's page does not show, so it tells no more than the page. 0 while there is no
    view. Raises what `step` raises.
    """
    state: State | None = None
    last: View | None = None
    version = 0
    for event in events:
        state = step(state, event)
        now = _view_or_none(state, member)
        if now != last:
            version += 1
            last = now
    return version
