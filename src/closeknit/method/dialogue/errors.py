"""Why something is not possible in a dialogue. `code` is stable; no text holds an id or a word of a member."""

from __future__ import annotations


class DialogueError(Exception):
    """Base of all refusals."""

    code = "dialogue"
    says = "This is not possible in this dialogue."

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.says)


class UnknownVersion(DialogueError):
    """A payload from a newer Closeknit, or none at all."""

    code = "unknown-version"
    says = "The event has a version that this program does not know."


class UnknownVerb(DialogueError):
    """A payload with a verb that this program does not know."""

    code = "unknown-verb"
    says = "The event has a verb that this program does not know."


class BadEvent(DialogueError):
    """A field is missing, superfluous, of the wrong type or out of its range."""

    code = "bad-event"
    says = "The event does not have the fields that its verb needs."


class NotAsked(DialogueError):
    """Any event before ASKED, or a second ASKED."""

    code = "not-asked"
    says = "A dialogue begins with one ASKED, and with nothing else."


class NotInIt(DialogueError):
    """Whoever acts was not asked, has left, or did not come in."""

    code = "not-in-it"
    says = "Only who takes part may do this."


class NotHanded(DialogueError):
    """A turn on another's device where none is passed round, or where a private check has to come first."""

    code = "not-handed"
    says = "This is done on one's own device."


class AlreadyDone(DialogueError):
    """The same act a second time: a double tap, or a form sent again."""

    code = "already-done"
    says = "That has happened already."


class Late(DialogueError):
    """An act for a place that the dialogue has moved on from."""

    code = "late"
    says = "The dialogue has moved on meanwhile."


class TooEarly(DialogueError):
    """Before the time from which it is possible: the start, the return from a time-out, asking for the floor."""

    code = "too-early"
    says = "Not yet."


class Lapsed(DialogueError):
    """A yes or a start after the question has lapsed."""

    code = "lapsed"
    says = "Nobody began in time. Ask anew."


class NotYourTurn(DialogueError):
    """Only whoever has the floor, or whose stage it is, may do this now."""

    code = "not-your-turn"
    says = "Somebody else has the floor."


class NotHere(DialogueError):
    """An act that this stage does not consist of."""

    code = "not-here"
    says = "This stage has no place for that."


class NotRunning(DialogueError):
    """Acts of a running dialogue while it waits, rests or is over."""

    code = "not-running"
    says = "The dialogue is not running."


class Over(DialogueError):
    """Anything that keeps a dialogue going after its end."""

    code = "over"
    says = "This dialogue has ended."


class NotOver(DialogueError):
    """What belongs to the time after a dialogue, before its end."""

    code = "not-over"
    says = "This comes after the end."


class TooFew(DialogueError):
    """A beginning with fewer people than the script needs, or without those who were to come."""

    code = "too-few"
    says = "Somebody is missing."


class UnknownItem(DialogueError):
    """Taking back words that are not there or not one's own: one refusal for both."""

    code = "unknown-item"
    says = "There are no such words of yours."
