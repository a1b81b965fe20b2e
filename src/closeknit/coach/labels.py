"""The words in which a message is described. What each means stands in docs/coach-labels.md."""

from __future__ import annotations

from enum import StrEnum


class Label(StrEnum):
    """What a message does, any number at once; NEUTRAL stands alone."""

    CRITICISM = "criticism"
    CONTEMPT = "contempt"
    DEFENSIVENESS = "defensiveness"
    STONEWALLING = "stonewalling"
    INVALIDATION = "invalidation"
    ADVICE = "advice"
    OPEN_QUESTION = "open_question"
    CLOSED_QUESTION = "closed_question"
    REFLECTION = "reflection"
    VALIDATION = "validation"
    REASSURANCE = "reassurance"
    DISCLOSURE = "disclosure"
    I_STATEMENT = "i_statement"
    FEELING = "feeling"
    NEED = "need"
    REQUEST = "request"
    REPAIR = "repair"
    APPRECIATION = "appreciation"
    NEUTRAL = "neutral"


class Risk(StrEnum):
    """What a message may tell of danger, beside its labels."""

    SELF_HARM = "self_harm"
    VIOLENCE = "violence"
    FEAR_OF_SOMEONE = "fear_of_someone"


class Depth(StrEnum):
    """How far a reflection goes: the words again, or what lies under them."""

    SIMPLE = "simple"
    COMPLEX = "complex"


HURT = frozenset({Label.CRITICISM, Label.CONTEMPT, Label.DEFENSIVENESS, Label.STONEWALLING, Label.INVALIDATION})
