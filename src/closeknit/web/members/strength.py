"""How hard a passphrase is to guess, and generated ones to start from."""

from __future__ import annotations

import importlib.resources
from functools import cache

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from zxcvbn_rs_py import zxcvbn

from closeknit import vault
from closeknit.vault.passphrase import MAX_PASSPHRASE_BYTES

LEAST_CHARACTERS = 15
GENERATED_WORDS = 5


@cache
def word_list() -> tuple[str, ...]:
    """The 7,776 words of the EFF's long list (CC BY 3.0 US), as packaged by xkcdpass."""
    text = importlib.resources.files("xkcdpass").joinpath("static/eff-long").read_text("ascii")
    words = tuple(word for word in text.split() if word.isascii() and not word.isdigit())
    if len(words) != 7776:
        raise RuntimeError("the word list is not the expected one")
    return words


def suggest(before: str = "") -> str:
    """Five random words: 64 bits, easy to say and to remember. before: what was suggested a page ago, which stays, since
    somebody may have written it down; anything but words of the list is passed over."""
    words = word_list()
    earlier = before.split()
    if len(earlier) == GENERATED_WORDS and set(earlier) <= set(words):
        return " ".join(earlier)
    # 16 bytes modulo 7776**5 (65 bits): the bias is below 2**-60.
    number = int.from_bytes(vault.libsodium_random(16), "big")
    chosen = []
    for _index in range(GENERATED_WORDS):
        number, index = divmod(number, len(words))
        chosen.append(words[index])
    return " ".join(chosen)


def check(passphrase: str, *, inputs: tuple[str, ...] = ()) -> None:
    """Raises ValidationError, in words that say what to do, for a passphrase that is short, common or about oneself.

    inputs: words an acquaintance would try first, such as the sign-in name. Five words of the list always pass.
    """
    if "\0" in passphrase:
        raise ValidationError(_("Leave out the invisible character; it cannot be typed again."), code="nul")
    try:
        if len(vault.normalise(passphrase)) > MAX_PASSPHRASE_BYTES:
            raise vault.PassphraseTooLong
    except vault.PassphraseTooLong:
        raise ValidationError(_("That is longer than 1,024 bytes. A sentence is enough."), code="long") from None
    except ValueError:
        raise ValidationError(_("That has a character that cannot be stored. Type it again."), code="unicode") from None
    missing = LEAST_CHARACTERS - len(passphrase)
    if missing > 0:
        message = ngettext(
            "%(count)d more character, please: 15 or more. A short sentence is easier than a hard word.",
            "%(count)d more characters, please: 15 or more. A short sentence is easier than a hard word.",
            missing,
        )
        raise ValidationError(message % {"count": missing}, code="short")
    if int(zxcvbn(passphrase[:100], list(inputs)).score) < 3:
        raise ValidationError(
            _("That one would be guessed soon. Add a word or two that nobody would expect there."), code="weak"
        )
