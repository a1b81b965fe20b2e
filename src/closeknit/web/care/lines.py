"""Help lines: a data file that the host can edit. Every number was read from a page that is named, never from memory."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, HttpUrl

STALE_AFTER = timedelta(days=180)


class Line(BaseModel):
    """One service. Each text is a short sentence, or empty where the source does not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=2)
    contact: str = Field(min_length=2)
    who: str = Field(min_length=2)
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
