"""Passkeys: what the browser is asked, what it answers, and the wrap of a passkey that opens words.

The answer of WebAuthn's PRF extension is a key. It comes in the form that the page posts, makes or opens one wrap, and is
neither stored nor logged nor shown again.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestationObject,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    CollectedClientData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from closeknit import vault
from closeknit.web import clock
from closeknit.web.config import loopback

from . import factors
from .models import Factor, Member, SecretWrap

# It would write down which passkey signed in.
logging.getLogger("fido2").setLevel(logging.WARNING)

ASKED = "ck_asked"
ASKED_SECONDS = 300
MOST_BYTES = 16 * 1024
MOST_PASSKEYS = 20
UV = UserVerificationRequirement.REQUIRED


class Refused(Exception):
    """What came back does not answer what was asked, or is no passkey that is known here."""


# -- where ----------------------------------------------------------------------------------------------------------------


def relying_party(request: HttpRequest) -> str:
    """The name that passkeys are bound to: the public one; on this machine localhost, if the page was opened so. Empty
    where there is none, since browsers make no passkeys for a bare address such as 127.0.0.1."""
    config = settings.CONFIG
    name = urlsplit(f"//{request.get_host()}").hostname or "" if config.is_loopback else config.hostname
    named = name == "localhost" or name.endswith(".localhost") or (config.is_https and not loopback(name))
    return name if named and not _is_address(name) else ""


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def elsewhere(request: HttpRequest) -> str:
    """The same page under a name that passkeys work with, where this address has none; empty where there is none."""
    if relying_party(request) or not settings.CONFIG.is_loopback:
        return ""
    port = urlsplit(f"//{request.get_host()}").port
    return f"http://localhost{f':{port}' if port else ''}{request.path}"


def _server(request: HttpRequest, member: Member | None = None) -> Fido2Server:
    if not relying_party(request):
        raise Refused
    origin = f"http://{request.get_host()}" if settings.CONFIG.is_loopback else settings.CONFIG.origin
    entity = get_adapter().get_public_key_credential_rp_entity(member)
    return Fido2Server(
        PublicKeyCredentialRpEntity(**entity),
        attestation=AttestationConveyancePreference.NONE,
        verify_origin=lambda found: found == origin,
    )


# -- asking ---------------------------------------------------------------------------------------------------------------


def _note(request: HttpRequest, purpose: str, state: dict[str, Any]) -> None:
    request.session[ASKED] = {"for": purpose, "state": state, "at": int(clock.now().timestamp())}


def _noted(request: HttpRequest, purpose: str) -> dict[str, Any]:
    """What was asked for this purpose not long ago. It is answered once."""
    asked = request.session.pop(ASKED, None)
    if not isinstance(asked, dict) or asked["for"] != purpose:
        raise Refused
    if not 0 <= clock.now().timestamp() - asked["at"] < ASKED_SECONDS:
        raise Refused
    state: dict[str, Any] = asked["state"]
    return state


_PRF = {"prf": {"eval": {"first": websafe_encode(vault.PRF_INPUT)}}}


def ask_new(request: HttpRequest, member: Member) -> dict[str, Any]:
    """What navigator.credentials.create is given. Raises Refused where passkeys cannot be."""
    options, state = _server(request, member).register_begin(
        PublicKeyCredentialUserEntity(**get_adapter().get_public_key_credential_user_entity(member)),
        credentials=[data for _factor, data in _readable(of(member))],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UV,
        extensions=_PRF,
    )
    _note(request, "add", state)
    return dict(options)


def ask(request: HttpRequest, purpose: str, among: Iterable[Factor] | None = None) -> dict[str, Any]:
    """What navigator.credentials.get is given. among: the passkeys that may answer; None: any. Raises Refused."""
    options, state = _server(request).authenticate_begin(
        credentials=None if among is None else [data for _factor, data in _readable(among)],
        user_verification=UV,
        extensions=None if purpose == "second" else _PRF,
    )
    _note(request, purpose, state)
    return dict(options)


def of(member: Member, *, opening: bool = False) -> list[Factor]:
    """A member's passkeys; opening: those that open words."""
    found = factors.of(member).filter(kind=Factor.Kind.PASSKEY)
    return list(found.filter(wrap__isnull=False) if opening else found)


def _readable(found: Iterable[Factor]) -> Iterator[tuple[Factor, AttestedCredentialData]]:
    """Passkeys with their id and public key. A row that was made unreadable answers nothing and stops no other."""
    for factor in found:
        try:
            data = factor.authenticator.wrap().authenticator_data.credential_data
        except Exception:  # noqa: S112
            continue
        if data is not None:
            yield factor, data


# -- answers --------------------------------------------------------------------------------------------------------------


def _posted(text: str) -> dict[str, Any]:
    if len(text) > MOST_BYTES:
        raise Refused
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused from None
    if not isinstance(found, dict):
        raise Refused
    # What extensions said stays in the browser; the one answer that counts here comes by itself.
    return {name: found.get(name) for name in ("id", "rawId", "type", "response")}


def _bare(made: AuthenticatorData) -> dict[str, Any]:
    """What checking a sign-in needs, and nothing more: the id and the public key. Who made the device is left out."""
    whole = made.credential_data
    if whole is None:
        raise Refused
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    data = AttestedCredentialData.create(bytes(16), whole.credential_id, whole.public_key)
    attestation = AttestationObject.create("none", AuthenticatorData.create(made.rp_id_hash, flags, 0, data), {})
    name = websafe_encode(whole.credential_id)
    return {
        "id": name,
        "rawId": name,
        "type": "public-key",
        "response": {
            "clientDataJSON": CollectedClientData.create(CollectedClientData.TYPE.CREATE, b"", "").b64,
            "attestationObject": websafe_encode(attestation),
        },
        "clientExtensionResults": {},
    }


def take_new(request: HttpRequest, member: Member, keyring: vault.Keyring, text: str, name: str) -> Factor:
    """A new passkey, checked and stored. Raises Refused."""
    state = _noted(request, "add")
    try:
        answer = RegistrationResponse.from_dict(_posted(text))
        if answer.response.client_data.cross_origin:
            raise Refused
        made = _server(request, member).register_complete(state, answer)
        credential = _bare(made)
    except Refused:
        raise
    except Exception:  # bytes from outside, taken apart by CBOR and ASN.1: whatever is wrong with them, it is refused
        raise Refused from None
    if len(of(member)) >= MOST_PASSKEYS or _is_taken(credential["rawId"]):
        raise Refused
    return factors.add(
        member, keyring, Factor.Kind.PASSKEY, {"name": name}, {"name": "", "credential": credential}
    )


def _is_taken(name: str) -> bool:
    return Authenticator.objects.filter(type=Factor.Kind.PASSKEY, data__credential__rawId=name).exists()


def take(request: HttpRequest, purpose: str, text: str, member: Member | None = None) -> Factor:
    """The passkey that answered what was asked. member: whose it has to be; None: whoever it says. Raises Refused."""
    state = _noted(request, purpose)
    try:
        answer = AuthenticationResponse.from_dict(_posted(text))
        owner = uuid.UUID(bytes=answer.response.user_handle or b"") if member is None else member.pk
        found = factors.of(Member(pk=owner)).filter(kind=Factor.Kind.PASSKEY, member__is_active=True)
        factor, data = next(one for one in _readable(found) if one[1].credential_id == answer.raw_id)
        if answer.response.client_data.cross_origin:
            raise Refused
        _server(request).authenticate_complete(state, [data], answer)
    except Refused:
        raise
    except Exception:  # as above
        raise Refused from None
    return factor


# -- opening words --------------------------------------------------------------------------------------------------------


def prf_of(text: str) -> bytes | None:
    """The answer of the PRF extension as the page posted it, or None."""
    try:
        raw = bytes(websafe_decode(text)) if text.isascii() else b""
    except ValueError:
        return None
    return raw if len(raw) == vault.PRF_BYTES else None


def wrap_add(member: Member, keyring: vault.Keyring, factor: Factor, prf: bytes) -> None:
    """From now on this passkey opens the keyring."""
    salt = vault.libsodium_random(vault.PASSKEY_SALT_BYTES)
    wrap = SecretWrap(member=member, opener=SecretWrap.Opener.PASSKEY, factor=factor, salt=salt, revision=1)
    wrap.created_at = factor.authenticator.created_at
    wrap.envelope = vault.seal(
        vault.passkey_key(prf, salt), vault.Kind.WRAP, wrap.context(), keyring.secret.raw, padding=vault.Padding.CHOICE
    )
    wrap.save(force_insert=True)


def wrap_open(factor: Factor, prf: bytes | None) -> vault.Keyring | None:
    """The keyring that this passkey opens, or None if it opens none."""
    wrap = SecretWrap.objects.filter(factor=factor, member=factor.member_id, opener=SecretWrap.Opener.PASSKEY).first()
    if wrap is None or prf is None:
        return None
    wrap.factor = factor
    try:
        key = vault.passkey_key(prf, bytes(wrap.salt))
        return vault.Keyring(vault.Key(vault.open_envelope(key, vault.Kind.WRAP, wrap.context(), wrap.envelope)))
    except (vault.VaultError, ValueError):
        return None
