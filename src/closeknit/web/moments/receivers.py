"""Joining in when bonds are founded, joined, or change their key."""

from __future__ import annotations

import uuid
from typing import Any

from django.dispatch import receiver

from closeknit import vault
from closeknit.web.bonds import signals
from closeknit.web.bonds.models import Bond
from closeknit.web.bonds.opened import OpenBond, key_for

from . import deck, services
from .models import OwnPrompt


@receiver(signals.bond_founded)
def first_moment(opened: OpenBond, **_kwargs: Any) -> None:
    """A new bond has its first prompt from the start, so that whoever founds it can write at once."""
    deck.found(opened)
    prompt = deck.choose(opened)
    if prompt is not None:
        deck.note_opened(opened, prompt)
        services.moment_open(opened, deck.card_of(prompt), founding=True)


@receiver(signals.bond_joined)
def admit(opened: OpenBond, **_kwargs: Any) -> None:
    services.moment_admit(opened)


@receiver(signals.epoch_made)
def reseal_prompts(bond: Bond, old: dict[int, vault.Key], opened: OpenBond, **_kwargs: Any) -> None:
    for prompt in OwnPrompt.objects.filter(bond=bond):
        payload = prompt.unseal(key_for(old, prompt.body))
        prompt.seal(opened.key, payload, epoch=opened.epoch)
        prompt.save()


@receiver(signals.member_going)
def end_kindly(
    bond: Bond, member_id: uuid.UUID, words_stay: bool, opened: OpenBond | None, **_kwargs: Any
) -> None:
    services.moments_leave(bond, member_id, words_stay=words_stay, opened=opened)


@receiver(signals.words_wanted)
def words(opened: OpenBond, **_kwargs: Any) -> Any:
    return services.words_of_mine(opened)


@receiver(signals.words_taken)
def drafts(opened: OpenBond, **_kwargs: Any) -> None:
    services.drafts_forget(opened.me.id, opened.bond)


@receiver(signals.epoch_entered)
def rewrap(opened: OpenBond, **_kwargs: Any) -> None:
    services.moments_rewrap(opened)
