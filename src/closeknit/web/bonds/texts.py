"""Texts of members: as they are sealed, and the field that takes them. Kept as typed, less what no page can show."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _g

MOST_CHARACTERS = 20_000
MOST_BYTES = 60_000


def clean_text(value: str) -> str:
    """A text as it is sealed: NFC, plain line ends, no NUL or lone surrogates. Raises ValidationError if too long."""
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValidationError(_g("There is a character in it that cannot be stored. Type that word again.")) from None
    if "\0" in text:
        raise ValidationError(_g("There is an invisible character (NUL) in it. Remove it and try again."))
    text = "".join(one for one in text if one in "\n\t" or unicodedata.category(one) != "Cc")
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > MOST_CHARACTERS:
        over = len(text) - MOST_CHARACTERS
        raise ValidationError(
            _g(
                "That is %(over)s characters more than fit here (20,000). Nothing is lost: shorten it or split it in two."
            )
            % {"over": f"{over:,}"}
        )
    if len(text.encode("utf-8")) > MOST_BYTES:
        raise ValidationError(_g("That is more than fits here. Nothing is lost: shorten it or split it in two."))
    return text


def is_too_long(value: str) -> bool:
    """Whether `clean_text` refuses a text for its length, and not for a character in it."""
    return len(value) > MOST_CHARACTERS or len(value.encode("utf-8", "ignore")) > MOST_BYTES


class TextField(forms.CharField):
    """Somebody's words."""

    def __init__(self, *, rows: int = 6, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "dir": "auto"})
        super().__init__(strip=False, widget=widget, **kwargs)
        # Django's own NUL check speaks to developers; ours speaks to people.
        self.validators = [v for v in self.validators if type(v).__name__ != "ProhibitNullCharactersValidator"]

    def clean(self, value: Any) -> str:
        text = clean_text(value or "")
        if not text and self.required:
            raise ValidationError(_g("Write a few words first; six are enough."))
        return text
