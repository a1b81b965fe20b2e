"""No kind of member data without an export and an erasure."""

from __future__ import annotations

import json

import pytest
from django.apps import apps

from closeknit.web.moments import services as moments
from closeknit.web.sealed.kinds import REGISTRY, Reading, register

OURS = {"members", "bonds", "moments", "dialogues", "reflect", "taking", "mfa"}


def test_every_model_is_registered():
    models = {m._meta.label_lower for m in apps.get_models() if m._meta.app_label in OURS and not m._meta.auto_created}
    assert models == set(REGISTRY)


def test_a_kind_without_export_or_reason_is_refused():
    from closeknit.web.moments.models import Draft

    kind = REGISTRY.pop("moments.draft")
    try:
        with pytest.raises(ValueError):
            register(Draft, erase=kind.erase)
    finally:
        REGISTRY["moments.draft"] = kind


@pytest.mark.django_db
def test_exports_hold_own_and_shared_words_and_no_others(cast):
    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment, ana="kumquat of Ana", jonas="quince of Jonas")
    later = moments.moment_open(cast.ana.bond(cast.pair), {"text": "Later?"}).id
    moments.answer_share(cast.jonas.bond(cast.pair), later, "hidden medlar")
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    entries = [entry for kind in REGISTRY.values() if kind.export is not None for entry in kind.export(reading)]
    text = json.dumps(entries)
    assert "kumquat of Ana" in text and "quince of Jonas" in text and "hidden medlar" not in text


@pytest.mark.django_db
def test_after_every_eraser_ran_nothing_of_the_member_is_left(cast):
    from closeknit.web.bonds.models import BondKey, Item, Membership, Wrap
    from closeknit.web.members.models import Member, MemberRow, SecretWrap

    moment = cast.first_moment(cast.ana).id
    cast.both_answer(moment)
    for kind in reversed(list(REGISTRY.values())):
        kind.erase(cast.ana.member)
    pk = cast.ana.member.pk
    assert not Member.objects.filter(pk=pk).exists() and Member.objects.filter(pk=cast.jonas.member.pk).exists()
    for model, field in ((MemberRow, "member"), (SecretWrap, "member"), (BondKey, "member"), (Membership, "member")):
        assert not model.objects.filter(**{field: pk}).exists()
    assert not Item.objects.filter(author=pk).exists() and Wrap.objects.exists()
