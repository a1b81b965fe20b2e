"""A script drawn as a picture: an SVG that stands alone, light and dark. Pure: `draw(script) -> str`.

Parts are bands, stages are boxes in reading order. On the left, arrows lead back: to the next in turn, or to a stage
that is gone through again. On the right they lead ahead, past other stages. Every arrow carries `data-from` and
`data-to`: `part/stage`, `round:PART` for the end of a round, `part:PART` for a whole part that may be left out, or `end`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from .scripts import Act, Part, Repeat, Script, Stage, Who, graph_problems

_BOX = 440
_PAD = 16
_BAND = 20
_GAP = 22
_LANE = 16
_CORNER = 9
_ROLES = {"lead": "the lead", "listener": "the listener", "speaker": "the speaker", "others": "the others"}
_WHO = {
    Who.LEAD: "The lead",
    Who.LISTENER: "The listener",
    Who.OTHERS: "The others",
    Who.EACH: "Each in turn",
    Who.ALL: "All at once",
}
_ACT = {
    Act.READY: "say when it is enough",
    Act.SAY: "speaking",
    Act.BUILD: "filling in",
    Act.RESPOND: "a first response",
    Act.CHOOSE: "choosing",
    Act.LOOP: "speaking until it is understood",
    Act.WISH: "a private wish",
}
_STYLE = """
.paper{fill:#fafafc}.band{fill:#f1f0f5}.box{fill:#fff;stroke:#dddbe4}.pill{fill:#fafafc;stroke:#b9b7c3}
text{fill:#27252e;font-family:"Instrument Sans Variable","Instrument Sans",system-ui,sans-serif}
.serif{font-family:"Newsreader Variable",Newsreader,Georgia,serif}.soft{fill:#62606c}.strong{font-weight:600}
.edge{fill:none;stroke:#8a8895;stroke-width:1.5}.pass,.skip{stroke-dasharray:2 4;stroke-linecap:round}
.finish{stroke-dasharray:7 4}.head{fill:#8a8895}.dot{fill:#8a8895}
.over{paint-order:stroke;stroke:#f1f0f5;stroke-width:8;stroke-linejoin:round}
.lead{fill:#b8323f}.listener{fill:#3b63b0}.others{fill:#3f7a3f}.each{fill:#7a3c80}.all{fill:#5f6b7a}
@media (prefers-color-scheme:dark){
.paper{fill:#15141b}.band{fill:#1f1e27}.box{fill:#292833;stroke:#403e4b}.pill{fill:#15141b;stroke:#5d5b68}
.over{stroke:#1f1e27}text{fill:#e6e5ea}.soft{fill:#a9a7b3}.edge{stroke:#908e9b}.head{fill:#908e9b}.dot{fill:#908e9b}
.lead{fill:#e8808a}.listener{fill:#86aaf0}.others{fill:#8cc08a}.each{fill:#c78fcc}.all{fill:#a5b0c0}}
"""


# -- words ----------------------------------------------------------------------------------------------------


def soft_time(seconds: int) -> str:
    """When the quiet cue shows, in words; empty for none."""
    if not seconds:
        return ""
    if seconds < 90 and seconds % 60:
        return f"about {seconds} s"
    minutes = f"{seconds / 60:.1f}".removesuffix(".0")
    return f"about {minutes} min"


def spoken_roles(text: str) -> str:
    """A text with roles where the page puts names."""
    said = text
    for name, role in _ROLES.items():
        said = said.replace(f"{{{name}}}", role)
    for end in (". ", "? "):
        said = end.join(one[:1].upper() + one[1:] for one in said.split(end))
    return said


def _width(text: str, size: float) -> float:
    """About how wide a text is; on the generous side, since every machine has other fonts."""
    narrow, wide = sum(char in "iljtfr.,:;'’|! " for char in text), sum(char in "mwMW—…" for char in text)
    return size * (0.6 * (len(text) - narrow - wide) + 0.36 * narrow + 0.94 * wide)


def wrapped(text: str, width: float, size: float) -> list[str]:
    """A text in lines that are no wider; a word that is wider alone stands alone."""
    lines: list[str] = []
    for word in text.split():
        if lines and _width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines or [""]


def _rounds(part: Part) -> str:
    """How often a part is gone through, in words."""
    if part.repeat is Repeat.EACH:
        said = "for each in turn" if part.at_most is None else f"for {part.at_most} in turn at most"
    elif part.cards is not None:
        said = "{}, {} or {} cards".format(*part.cards)
    else:
        said = ""
    return ", ".join(one for one in (said, "may be left out" if part.skippable else "") if one)


# -- placing ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    """One line of text in a box. dy: below the box's top; goto: where an arrow leads from it."""

    text: str
    size: float
    classes: str
    dy: float
    x: float = _PAD
    option: str = ""
    goto: str = ""


@dataclass(slots=True)
class _Node:
    """A box or a pill on the page."""

    name: str
    y: float
    height: float
    stage: Stage | None = None
    words: str = ""
    lines: list[_Line] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class _Arrow:
    """An arrow round the outside: from one height to another, on one side."""

    start: str
    end: str
    y1: float
    y2: float
    kind: str
    left: bool
    from_band: bool = False


class _Page:
    """Everything laid out from top to bottom, before the gutters' widths are known."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.nodes: dict[str, _Node] = {}
        self.bands: list[tuple[Part, float, float]] = []
        self.arrows: list[_Arrow] = []
        self.straight: list[tuple[str, str]] = []
        self.head = list(_head(script))
        self.height = self.head[-1].dy + 66
        for part in script.parts:
            self._part(part)
        self._node(_Node("end", self.height + 8, 34))
        self.height += 8 + 34 + 28
        for index, part in enumerate(script.parts):
            for stage in part.stages:
                self._leads_on(index, part, stage)
            self._round(index, part)

    def _node(self, node: _Node) -> _Node:
        self.nodes[node.name] = node
        return node

    def _part(self, part: Part) -> None:
        top = self.height
        y = top + 40
        for stage in part.stages:
            node = self._node(_stage_box(f"{part.id}/{stage.id}", y, stage))
            y += node.height + _GAP
        if part.repeat is not Repeat.ONCE:
            words = "Next in turn, or on" if part.repeat is Repeat.EACH else "Next card, or on"
            self._node(_Node(f"round:{part.id}", y, 28, words=words))
            y += 28 + _GAP
        self.bands.append((part, top, y - top - 4))
        self.height = y + 14

    # -- arrows

    def _first(self, index: int) -> str:
        """The first stage of a part, or the end."""
        if index >= len(self.script.parts):
            return "end"
        part = self.script.parts[index]
        return f"{part.id}/{part.stages[0].id}"

    def _target(self, index: int, goto: str) -> str:
        found = self.script.target(index, goto)
        if found is None:
            return "end"
        part = self.script.parts[found[0]]
        return f"{part.id}/{part.stages[found[1]].id}"

    def _after(self, index: int, part: Part) -> str:
        """What comes when a round is over."""
        return self._first(index + 1) if part.repeat is Repeat.ONCE else f"round:{part.id}"

    def _leads_on(self, index: int, part: Part, stage: Stage) -> None:
        name = f"{part.id}/{stage.id}"
        node = self.nodes[name]
        place = part.stages.index(stage)
        last = place + 1 == len(part.stages)
        following = self._after(index, part) if last else f"{part.id}/{part.stages[place + 1].id}"
        plain = stage.act is not Act.CHOOSE or any(not option.goto for option in stage.options)
        if stage.then:
            self._jump(name, self._target(index, stage.then), node.middle, "goto")
        elif plain:
            self.straight.append((name, following))
        if stage.act is Act.CHOOSE:
            for line in node.lines:
                if line.goto:
                    self._jump(name, self._target(index, line.goto), node.y + line.dy - 4, "goto")
        if stage.act is Act.WISH:
            self._jump(name, self._first(len(self.script.parts) - 1), node.middle, "finish")
        if stage.carries_round and (name, self._after(index, part)) not in self.straight:
            self._jump(name, self._after(index, part), node.y + node.height - 14, "pass")

    def _round(self, index: int, part: Part) -> None:
        if part.repeat is not Repeat.ONCE:
            pill = self.nodes[f"round:{part.id}"]
            self._jump(pill.name, self._first(index), pill.middle, "round")
            self.straight.append((pill.name, self._first(index + 1)))
        if part.skippable:
            _part, top, _height = self.bands[index]
            target = self.nodes[self._first(index + 1)]
            self.arrows.append(
                _Arrow(f"part:{part.id}", target.name, top + 21, target.y + 12, "skip", left=False, from_band=True)
            )

    def _jump(self, start: str, end: str, y1: float, kind: str) -> None:
        target = self.nodes[end]
        y2 = target.middle if target.stage is None else target.y + 18
        self.arrows.append(_Arrow(start, end, y1, y2, kind, left=y2 < y1))


def _head(script: Script) -> Iterator[_Line]:
    """The lines above the first band."""
    y = 46.0
    for line in wrapped(script.title, _BOX + 2 * _BAND, 26):
        yield _Line(line, 26, "serif", y)
        y += 32
    few, many = script.members
    facts = [
        f"{script.minutes[0]} to {script.minutes[1]} minutes",
        f"{few} people" if few == many else f"{few} to {many} people",
        "calm" if script.calm else "asks for more",
        "a private check first" if script.gate else "",
    ]
    yield _Line(" · ".join(one for one in facts if one), 13, "soft", y - 4)
    y += 22
    for line in wrapped(script.purpose, _BOX + 2 * _BAND, 15):
        yield _Line(line, 15, "", y)
        y += 21


def _stage_box(name: str, y: float, stage: Stage) -> _Node:
    room = _BOX - 2 * _PAD
    time = soft_time(stage.seconds)
    lines = [_Line(" · ".join(one for one in (_WHO[stage.who], _ACT[stage.act], time) if one), 12.5, "strong", 24)]
    dy = 30.0

    def add(text: str, size: float, classes: str, *, indent: float = 0, lead: float = 1.35) -> None:
        nonlocal dy
        for one in wrapped(spoken_roles(text), room - indent, size):
            dy += size * lead
            lines.append(_Line(one, size, classes, dy, _PAD + indent))

    add(stage.acting.title, 18, "serif", lead=1.25)
    for option in stage.options:
        often = {None: "", 1: " (once)", 2: " (twice at most)"}.get(option.at_most, f" ({option.at_most} times at most)")
        add(f"{option.label}{often}", 14, "", indent=16, lead=1.6)
        lines[-1].option, lines[-1].goto = option.id, option.goto
    for one in stage.fields:
        add(one.label, 14, "", indent=16, lead=1.6)
        lines[-1].option = one.id
    dy += 3
    for note in _notes(stage):
        add(note, 12.5, "soft", lead=1.45)
    if stage.watching is not None:
        add(f"Meanwhile: {spoken_roles(stage.watching.title)}", 13, "soft", lead=1.5)
    return _Node(name, y, dy + 16, stage, lines=lines)


def _notes(stage: Stage) -> Iterator[str]:
    """What is special about a stage."""
    if stage.act is Act.LOOP:
        then = "then that it makes sense, and what it may have felt like" if stage.validates else "then on, without a reply"
        yield f"Said and said back until the speaker says yes; {then}."
    if stage.after_tell_more:
        yield "Only after “tell me more”."
    if stage.carries_round:
        yield "If nobody takes this turn, what hangs on it is left out."
    if stage.quiet:
        yield "The answer is shown to nobody else."
    if stage.act is Act.WISH:
        yield "The most careful wish decides; “finish” leads to the last part."


# -- drawing ----------------------------------------------------------------------------------------------------


def _lanes(arrows: Iterable[_Arrow]) -> dict[_Arrow, int]:
    """A lane for each arrow of one side, the shortest nearest, so that none lies on another."""
    placed: dict[_Arrow, int] = {}
    for arrow in sorted(arrows, key=lambda one: (abs(one.y2 - one.y1), one.y1)):
        low, high = sorted((arrow.y1, arrow.y2))
        taken = {
            lane
            for other, lane in placed.items()
            if min(other.y1, other.y2) < high + 6 and low < max(other.y1, other.y2) + 6
        }
        placed[arrow] = next(lane for lane in range(len(taken) + 1) if lane not in taken)
    return placed


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _text(line: _Line, x: float, y: float, anchor: str = "") -> str:
    middle = f' text-anchor="{anchor}"' if anchor else ""
    classes = f' class="{line.classes}"' if line.classes else ""
    place = f'x="{_number(x)}" y="{_number(y)}" font-size="{_number(line.size)}"'
    return f"<text {place}{classes}{middle}>{escape(line.text)}</text>"


def _edge(start: str, end: str, kind: str, path: str, tip: tuple[float, float], way: str) -> str:
    """A path and its head. way: where the head points: down, left or right."""
    x, y = tip
    wings = {"down": ((-4, -7), (4, -7)), "left": ((7, -4), (7, 4)), "right": ((-7, -4), (-7, 4))}[way]
    points = " ".join(f"{_number(x + dx)},{_number(y + dy)}" for dx, dy in ((0, 0), *wings))
    ends = f'data-from="{escape(start)}" data-to="{escape(end)}"'
    return f'<path class="edge {kind}" {ends} d="{path}"/><polygon class="head" points="{points}"/>'


def _round_way(arrow: _Arrow, x1: float, x2: float, lane_x: float) -> str:
    """Out to the lane, along it, and in again, with round corners."""
    side = -1 if arrow.left else 1
    down = 1 if arrow.y2 > arrow.y1 else -1
    bend = min(_CORNER, abs(arrow.y2 - arrow.y1) / 2)
    n = _number
    return (
        f"M{n(x1)} {n(arrow.y1)}H{n(lane_x - side * bend)}"
        f"Q{n(lane_x)} {n(arrow.y1)} {n(lane_x)} {n(arrow.y1 + down * bend)}"
        f"V{n(arrow.y2 - down * bend)}Q{n(lane_x)} {n(arrow.y2)} {n(lane_x - side * bend)} {n(arrow.y2)}H{n(x2)}"
    )


def draw(script: Script) -> str:
    """The script as SVG. Raises ValueError for one whose gotos lead nowhere; `check_scripts` says where."""
    if any(code == "goto" for code, _message, _mend in graph_problems(script)):
        raise ValueError("a goto leads nowhere")
    page = _Page(script)
    lanes = {left: _lanes(one for one in page.arrows if one.left is left) for left in (True, False)}
    gutter = {left: _BAND + 14 + _LANE * (max(found.values(), default=-1) + 1) for left, found in lanes.items()}
    left, right = gutter[True] + 10, gutter[False] + 10
    width, height = left + _BOX + right, page.height + 36
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_number(width)} {_number(height)}" '
        f'width="{_number(width)}" height="{_number(height)}" role="img" lang="en">',
        f"<title>{escape(script.title)}</title>",
        f"<desc>{escape(script.purpose)}</desc>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_number(width)}" height="{_number(height)}"/>',
    ]
    out += [_text(line, left - _BAND, line.dy) for line in page.head]
    out += _legend(left - _BAND, page.head[-1].dy + 32)
    out += [_band(part, left - _BAND, top, tall) for part, top, tall in page.bands]
    out += [_straight(page, left, start, end) for start, end in page.straight]
    for part, top, _tall in page.bands:
        out += _band_words(part, left, top)
    for side, found in lanes.items():
        edge = left if side else left + _BOX
        for arrow, lane in found.items():
            lane_x = edge + (-1 if side else 1) * (_BAND + 8 + _LANE * lane)
            out.append(_jumping(page, arrow, edge, lane_x))
    for node in page.nodes.values():
        out += _node(node, left)
        if node.stage is not None and node.stage.act is Act.LOOP:
            out.append(_again(node, left))
    out.append("</svg>\n")
    return "\n".join(out)


def _legend(x: float, y: float) -> Iterator[str]:
    for who, words in _WHO.items():
        yield f'<circle class="{who.value}" cx="{_number(x + 5)}" cy="{_number(y - 4)}" r="5"/>'
        yield _text(_Line(words, 12.5, "soft", 0), x + 16, y)
        x += 26 + _width(words, 12.5)


def _band(part: Part, x: float, top: float, tall: float) -> str:
    return (
        f'<rect class="band" data-part="{escape(part.id)}" x="{_number(x)}" y="{_number(top)}" '
        f'width="{_BOX + 2 * _BAND}" height="{_number(tall)}" rx="14"/>'
    )


def _band_words(part: Part, x: float, top: float) -> Iterator[str]:
    """The part's title and how often; over the arrow that comes in, which they cover."""
    yield _text(_Line(part.title, 14, "strong over", 0), x, top + 26)
    rounds = _rounds(part)
    if rounds:
        yield _text(_Line(rounds, 12.5, "soft over", 0), x + _BOX, top + 26, "end")


def _straight(page: _Page, left: float, start: str, end: str) -> str:
    one, other = page.nodes[start], page.nodes[end]
    x, y1, y2 = left + _BOX / 2, one.y + one.height, other.y
    return _edge(start, end, "next", f"M{_number(x)} {_number(y1)}V{_number(y2 - 6)}", (x, y2), "down")


def _jumping(page: _Page, arrow: _Arrow, edge: float, lane_x: float) -> str:
    inner = _BOX / 2 - 70  # a pill is narrower than a box
    toward = 1 if arrow.left else -1
    start, end = page.nodes.get(arrow.start), page.nodes[arrow.end]
    x1 = edge + toward * inner if start is not None and start.stage is None else edge
    if arrow.from_band:
        x1 = edge + _BAND
    x2 = edge + toward * inner if end.stage is None else edge
    path = _round_way(arrow, x1, x2 - toward * 6, lane_x)
    return _edge(arrow.start, arrow.end, arrow.kind, path, (x2, arrow.y2), "right" if arrow.left else "left")


def _again(node: _Node, left: float) -> str:
    """The small arrow beside a stage that goes round in itself until it is understood."""
    low, high, out = node.y + node.height - 22, node.y + 40, left - 15
    n = _number
    path = f"M{n(left)} {n(low)}C{n(out)} {n(low)} {n(out)} {n(high)} {n(left - 6)} {n(high)}"
    return _edge(node.name, node.name, "again", path, (left, high), "right")


def _node(node: _Node, left: float) -> Iterator[str]:
    y = node.y
    if node.stage is None:
        words = "The end" if node.name == "end" else node.words
        yield (
            f'<rect class="pill" data-node="{escape(node.name)}" x="{_number(left + _BOX / 2 - 70)}" y="{_number(y)}" '
            f'width="140" height="{_number(node.height)}" rx="{_number(node.height / 2)}"/>'
        )
        yield _text(_Line(words, 12.5, "soft", 0), left + _BOX / 2, node.middle + 4.5, "middle")
        return
    size = f'x="{_number(left)}" y="{_number(y)}" width="{_BOX}" height="{_number(node.height)}"'
    yield f'<rect class="box" data-stage="{escape(node.name)}" {size} rx="10"/>'
    tall = node.height - 20
    yield (
        f'<rect class="{node.stage.who.value}" x="{_number(left + 1)}" y="{_number(y + 10)}" '
        f'width="4" height="{_number(tall)}" rx="2"/>'
    )
    for line in node.lines:
        if line.option:
            yield f'<circle class="dot" cx="{_number(left + _PAD + 5)}" cy="{_number(y + line.dy - 4.5)}" r="2.5"/>'
        yield _text(line, left + line.x, y + line.dy)


__all__ = ["draw", "soft_time", "spoken_roles", "wrapped"]
