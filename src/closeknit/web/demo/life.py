"""The sample life as it stands in life.yaml, typed and checked."""

from __future__ import annotations

import importlib.resources
from functools import cache
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from closeknit.method.content import Component
from closeknit.method.moment import Choice


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sample(Part):
    """A sample member. The passphrase is public: it stands on the demo's first page."""

    name: str
    thread: str
    passphrase: str


class SampleBond(Part):
    """A bond, and the depth to which each has privately said yes."""

    kind: Literal["partners", "friends", "family", "circle"]
    name: str
    leave_rule: Literal["leave", "stay"]
    founder: str
    others: list[str]
    days: float
    level: dict[str, int]


class Said(Part):
    by: str
    under: str
    text: str
    advice: bool = False


class Noted(Part):
    by: str
    days: float
    text: str


class SampleMoment(Part):
    """One moment and all that happened to it; days are before now, `gap` hours lie between first and last answer."""

    slug: str
    bond: str
    days: float
    by: str
    prompt: str
    own: bool = False
    level: int = Field(0, ge=0, le=5)
    component: Component | None = None
    why: str = ""
    start: list[str] = []
    stay: str = ""
    takes_part: list[str] = []
    first: str = ""
    gap: float = 4
    answers: dict[str, str] = {}
    untold: list[str] = []
    advice: list[str] = []
    let_see: bool = False
    responses: dict[str, Choice | dict[str, Choice]] = {}
    words: list[Said] = []
    changed: list[Noted] = []
    draft: dict[str, str] = {}
    passed: str = ""
    released: str = ""
    withdrawn: str = ""

    @property
    def authors(self) -> list[str]:
        """Who answered, first to last."""
        return sorted(self.answers, key=lambda name: name != self.first)

    def choices(self, by: str) -> dict[str, Choice]:
        """What this member chose for each answer but their own."""
        chosen = self.responses.get(by, {})
        if isinstance(chosen, dict):
            return chosen
        return {author: chosen for author in self.answers if author != by}


class SamplePrompt(Part):
    bond: str
    by: str
    days: float
    text: str


class Life(Part):
    members: dict[str, Sample]
    bonds: dict[str, SampleBond]
    moments: list[SampleMoment]
    own_prompts: list[SamplePrompt]

    def texts(self) -> list[str]:
        """Every text that the samples wrote; none of it may ever lie readable on a disk."""
        found = [moment.prompt for moment in self.moments] + [prompt.text for prompt in self.own_prompts]
        for moment in self.moments:
            found += [*moment.answers.values(), *moment.draft.values()]
            found += [words.text for words in moment.words] + [note.text for note in moment.changed]
        return found


@cache
def the_life() -> Life:
    """Read once a process."""
    text = importlib.resources.files(__package__).joinpath("life.yaml").read_text("utf-8")
    return Life.model_validate(yaml.safe_load(text))
