"""New keys, for when somebody may know the passphrase: everything of one's own moves under a new secret."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import transaction

from closeknit import vault
from closeknit.vault.passphrase import DEFAULT_PROFILE, SALT_BYTES
from closeknit.web import live
from closeknit.web.members import services as members
from closeknit.web.members.models import Member
from closeknit.web.sealed.kinds import REGISTRY

from . import access, services
from .models import Bond, Membership


def keys_renew(member: Member, old: vault.Keyring, passphrase: str) -> tuple[vault.Keyring, bytes]:
    """A new secret under a new passphrase and a new kit; (the new keyring, the kit). All or nothing.

    Every bond gets its next key from the old, still pinned one, so that what comes from now on is not opened by the old
    secret. Others hand further keys to the new one only after six words were compared. Passkeys that opened the old
    secret are void; all sessions end, the caller starts a new one. Raises hashers.TooBusy, vault.PassphraseTooLong.
    """
    new, kit = vault.Keyring(vault.Key.new()), vault.new_kit()
    salt = vault.libsodium_random(SALT_BYTES)
    wrapping = members.passphrase_key(passphrase, salt, DEFAULT_PROFILE)
    encoded = make_password(passphrase)
    with transaction.atomic():
        for opened in access.bonds_load(member.pk, old):
            _next_key(opened.id, member, old)
        for kind in REGISTRY.values():
            if kind.reseal is not None:
                kind.reseal(member, old.self_key, new.self_key)
        for opened in access.bonds_load(member.pk, new):
            services.pins_write(opened, {**services.pins_read(opened), member.pk: new.box.public})
        members.secret_replace(member, new, wrapping, salt, kit)
        member.public_key, member.password = new.box.public, encoded
        member.save(update_fields=["public_key", "password"])
        ended = members.sessions_end(member)
        mates = Membership.objects.filter(bond__memberships__member=member, ended_at__isnull=True)
        to = set(mates.values_list("member_id", "bond_id"))
        transaction.on_commit(lambda: [live.close_streams(session) for session in ended])
        transaction.on_commit(
            lambda: [live.poke([mate], f"bond:{bond}", services.live_version()) for mate, bond in to]
        )
    return new, kit


def _next_key(bond_id: object, member: Member, old: vault.Keyring) -> None:
    """Open what waits for the old key, then make the bond's next key with it."""
    bond = Bond.objects.select_for_update().get(pk=bond_id)
    opened = next(one for one in access.bonds_load(member.pk, old) if one.id == bond_id)
    services.settle(opened)
    opened = next(one for one in access.bonds_load(member.pk, old) if one.id == bond_id)
    if not opened.is_in:
        return
    bond.refresh_from_db()
    pins = services.pins_met(opened)
    services.pins_write(opened, pins)
    services.epoch_make(opened, bond, pins)
