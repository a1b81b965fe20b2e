"""Words that can be pointed at: rules that find a stretch of a text, and know when not to.

A cue is no verdict. It says where something stands, so that a tip can show the place; whether it hurts, the reader says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class CueKind(StrEnum):
    """What a stretch of words may be."""

    ABSOLUTE = "absolute"
    BLAME = "blame"
    MIND_READING = "mind_reading"
    FALSE_FEELING = "false_feeling"
    FEELING = "feeling"
    SHOULD = "should"
    AT_LEAST = "at_least"
    BUT_SORRY = "but_sorry"
    WHY_YOU = "why_you"


@dataclass(frozen=True, slots=True, order=True)
class Cue:
    """A stretch of a text, in characters: text[start:end] == words."""

    start: int
    end: int
    label: CueKind
    words: str


_I = re.IGNORECASE
_YOU = r"(?:you|u|ye|y['’]all)"

#: Own feelings by name, as they follow "I feel", "I'm", "it makes me". Not hungry, cold, ill; not "like", "that".
FEELINGS = frozenset(
    """
    afraid alone amazed angry annoyed anxious ashamed awful awkward bitter blue bored broken calm cheerful
    confused content crushed curious delighted desperate devastated disappointed discouraged disgusted distant
    drained embarrassed empty envious excited exhausted flat foolish fragile frightened frustrated furious glad
    grateful grumpy guilty gutted happy heartbroken heavy helpless homesick hopeful hopeless humiliated hurt
    insecure invisible irritated jealous joyful jumpy light lonely lost low mad miserable moved nervous numb
    overwhelmed panicky peaceful powerless proud raw relaxed relieved resentful restless sad safe scared shaken
    shaky shy small sore stressed stuck stupid surprised tense terrified thankful thrilled tired torn touched
    trapped troubled uncomfortable uneasy unhappy unsafe unsettled upset useless vulnerable warm weary weepy
    wistful worn-out worried worthless left-out shut-out burnt-out stressed-out
    """.split()
)
_SOFTENER = (
    r"(?:(?:so|very|really|quite|pretty|a\s+bit|a\s+little|kind\s+of|sort\s+of"
    r"|still|just|also|too|rather|absolutely)\s+)*"
)
_FELT = re.compile(
    r"\b(?:i\s+(?:feel|felt|am|was|get|got|have\s+been)|i['’]?m|i['’]ve\s+been"
    r"|(?:makes|made|leaves|left)\s+me(?:\s+feel(?:ing)?)?)\s+" + _SOFTENER + r"(?P<what>[a-z]+(?:[- ]out)?)\b",
    _I,
)

_RULES: tuple[tuple[CueKind, re.Pattern[str]], ...] = (
    (
        CueKind.ABSOLUTE,
        re.compile(
            rf"\b{_YOU}(?:['’]re|\s+are)?\s+(?:(?:just|really|literally)\s+)?(?P<cue>always|never|constantly)\b"
            rf"|\b(?P<cue2>always|never)\s+(?:do|have|can|will|could)\s+{_YOU}\b",
            _I,
        ),
    ),
    (
        CueKind.FALSE_FEELING,
        re.compile(
            r"\bi\s+(?:just\s+|really\s+)?"
            rf"(?P<cue>feel(?:\s+like|\s+that)?\s+{_YOU}(?:['’]re|\s+are|\s+don['’]?t|\s+never|\s+always))\b"
            r"|\bi\s+(?:just\s+|really\s+)?"
            r"(?P<cue2>feel\s+(?:attacked|manipulated|betrayed|used|blamed|judged|ignored|disrespected)\s+by\s+you)\b",
            _I,
        ),
    ),
    (
        CueKind.BLAME,
        re.compile(
            r"\b(?P<cue>(?:it['’]?s|this\s+is|that['’]?s)\s+(?:all\s+|always\s+)?your\s+fault"
            rf"|because\s+of\s+you|{_YOU}\s+made\s+me\s+(?:do|say|shout|lose))\b",
            _I,
        ),
    ),
    (
        CueKind.MIND_READING,
        re.compile(
            rf"\b(?P<cue>{_YOU}\s+(?:obviously|clearly|just)\s+(?:don['’]?t|do\s+not|want|think|hate|enjoy)"
            rf"|{_YOU}\s+(?:don['’]?t|do\s+not)\s+(?:even\s+)?(?:care|love|respect))\b",
            _I,
        ),
    ),
    (
        CueKind.WHY_YOU,
        re.compile(
            rf"\b(?P<cue>why\s+(?:do|don['’]?t|can['’]?t|are|must)\s+{_YOU}\s+(?:always|never|even|just|have\s+to))\b",
            _I,
        ),
    ),
    (
        CueKind.SHOULD,
        re.compile(
            rf"\b(?P<cue>{_YOU}\s+(?:really\s+|just\s+)?(?:should|need\s+to|have\s+to|must|ought\s+to|had\s+better))\b", _I
        ),
    ),
    (
        CueKind.AT_LEAST,
        re.compile(
            r"(?:^|[.!?,;]\s*)(?P<cue>at\s+least|look\s+on\s+the\s+bright\s+side|it\s+could\s+be\s+worse|cheer\s+up)\b", _I
        ),
    ),
    (
        CueKind.BUT_SORRY,
        re.compile(
            rf"\b(?P<cue>sorry\s+(?:if|that)\s+{_YOU}(?:['’]re|\s+(?:feel|felt|are|were|took|got))|sorry,?\s+but)\b", _I
        ),
    ),
)

#: What makes "always" and "never" praise or thanks: what somebody always gives, and never does to one.
_PRAISE = {
    "always": re.compile(
        r"(?:mak|ma)(?:e|es|de)\s+(?:the\s+best|me\s+(?:laugh|smile|feel\s+(?:safe|welcome|better|at\s+home)))"
        r"|know|knew|find|found|manage|cheer|believ|remember|listen|help|there\b|been\s+there|welcome|had\s+my\s+back"
        r"|so\s+good|so\s+kind",
        _I,
    ),
    "never": re.compile(
        r"let\s+me\s+down|fail|once\s+made\s+me\s+feel|have\s+to|need\s+to|left\s+me\s+alone|hit\b|give\s+up\s+on", _I
    ),
}
_SEE_IT = re.compile(r"\s+(?:see|hear|watch|try|taste|visit|meet|have\s+(?:seen|heard)|read)\b", _I)


#: "Tell me when you have to go" asks for something; it tells nobody what to do.
_BEFORE_DUTY = re.compile(r"\b(?:when|whenever|if|until|unless|before|once)\s+$", _I)


def _spares(kind: CueKind, text: str, start: int, end: int) -> bool:
    """Whether what follows makes a find harmless: praise after "always", a sight after "you should"; or what leads to
    it: "when you have to"."""
    after = text[end : end + 60]
    if kind is CueKind.ABSOLUTE:
        praise = _PRAISE.get(text[start:end].lower())
        return praise is not None and praise.match(after.lstrip()) is not None
    if kind is not CueKind.SHOULD:
        return False
    return _SEE_IT.match(after) is not None or _BEFORE_DUTY.search(text[:start]) is not None


def find(text: str) -> list[Cue]:
    """All cues of a text, by where they stand. Never raises; an empty text has none."""
    found = []
    for kind, pattern in _RULES:
        for one in pattern.finditer(text):
            group = next(name for name in ("cue", "cue2") if name in pattern.groupindex and one[name] is not None)
            start, end = one.span(group)
            if not _spares(kind, text, start, end):
                found.append(Cue(start, end, kind, text[start:end]))
    for one in _FELT.finditer(text):
        start, end = one.span("what")
        # "Worn out" is one feeling, "tired out" is "tired".
        for words in (one["what"], re.split(r"[- ]", one["what"])[0]):
            if words.lower().replace(" ", "-") in FEELINGS:
                found.append(Cue(start, start + len(words), CueKind.FEELING, words))
                break
    return sorted(found)
