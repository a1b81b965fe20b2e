"""Help lines: a data file that the host can edit. Every number was read from a page that is named, never from memory."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, HttpUrl

STALE_AFTER = timedelta(days=180)


class Kind(StrEnum):
    """Whom or what a line is for. A line may be of several."""

    CRISIS = "crisis"
    VIOLENCE = "violence"
    CHILDREN = "children"
    LGBTQ = "lgbtq"
    MEN = "men"

    @property
    def label(self) -> Any:
        """As it stands on the page."""
        return LABELS[self]


LABELS = {
    Kind.CRISIS: _("a crisis, or to talk"),
    Kind.VIOLENCE: _("violence at home"),
    Kind.CHILDREN: _("children and young people"),
    Kind.LGBTQ: _("LGBTQ+ people"),
    Kind.MEN: _("men"),
}


class Line(BaseModel):
    """One service. Each text is a short sentence, or empty where the source does not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=2)
    contact: str = Field(min_length=2)
    who: str = Field(min_length=2)
    kind: tuple[Kind, ...] = ()
    languages: tuple[str, ...] = ()
    hours: str = ""
    cost: str = ""
    bill: str = ""
    source: HttpUrl
    checked: date | None = None
    fresh: bool = False


class Country(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    lines: tuple[Line, ...] = Field(min_length=1)


def load_lines(paths: list[Path], today: date) -> list[Country]:
    """The countries of the first of `paths` that exists, by name; `fresh` if checked within 180 days of `today`.

    Raises pydantic.ValidationError or yaml.YAMLError for a file that does not hold together.
    """
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        return []
    raw = yaml.safe_load(path.read_text("utf-8")) or {}
    countries = [Country.model_validate(one) for one in raw.get("countries", [])]
    return sorted((_aged(country, today) for country in countries), key=lambda country: country.name)


def _aged(country: Country, today: date) -> Country:
    lines = tuple(
        line.model_copy(update={"fresh": line.checked is not None and today - line.checked <= STALE_AFTER})
        for line in country.lines
    )
    return country.model_copy(update={"lines": lines})
