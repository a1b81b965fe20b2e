"""A passkey in software: what a device answers, for tests that have no browser."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from tests.http import PASSPHRASE

#: Tests speak to this name, as a member on this machine would who has passkeys.
HERE = {"HTTP_HOST": "localhost"}
FLAG = AuthenticatorData.FLAG


class SoftPasskey:
    """One passkey, with its device's PRF."""

    def __init__(self, *, origin: str = "http://localhost", rp: str = "localhost") -> None:
        self.origin, self.rp = origin, rp
        self.id, self.seed, self.handle = os.urandom(32), os.urandom(32), b""
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.flags = FLAG.UP | FLAG.UV

    def prf(self, options: dict[str, Any]) -> str:
        asked = options["publicKey"]["extensions"]["prf"]["eval"]["first"]
        return websafe_encode(hashlib.sha256(self.seed + websafe_decode(asked)).digest())

    def _client(self, kind: str, options: dict[str, Any], **more: Any) -> CollectedClientData:
        return CollectedClientData.create(kind, options["publicKey"]["challenge"], self.origin, **more)

    def _said(self, **response: bytes) -> str:
        name = websafe_encode(self.id)
        said = {part: websafe_encode(value) for part, value in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": said})

    def make(self, options: dict[str, Any]) -> str:
        """The answer to navigator.credentials.create."""
        self.handle = websafe_decode(options["publicKey"]["user"]["id"])
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(b"maker of a phone", self.id, public)
        hashed = hashlib.sha256(self.rp.encode()).digest()
        data = AuthenticatorData.create(hashed, self.flags | FLAG.AT, 0, credential)
        made = AttestationObject.create("none", data, {})
        return self._said(clientDataJSON=self._client("webauthn.create", options), attestationObject=made)

    def use(self, options: dict[str, Any], *, handle: bytes | None = None, **more: Any) -> str:
        """The answer to navigator.credentials.get."""
        data = AuthenticatorData.create(hashlib.sha256(self.rp.encode()).digest(), self.flags, 0)
        client = self._client("webauthn.get", options, **more)
        signature = self.key.sign(data + client.hash, ec.ECDSA(hashes.SHA256()))
        return self._said(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signature,
            userHandle=self.handle if handle is None else handle,
        )


def step_up(client: Client) -> None:
    assert client.post("/confirm/", {"passphrase": PASSPHRASE}, **HERE).status_code == 302


def add_passkey(client: Client, *, opens: bool = False, name: str = "The phone in my bag", **kind: Any) -> SoftPasskey:
    """A new passkey of whoever is signed in here, through the pages."""
    step_up(client)
    passkey = SoftPasskey(**kind)
    options = client.post("/you/second/passkey/options/", **HERE).json()
    fields = {"name": name, "credential": passkey.make(options)}
    if opens:
        fields |= {"opens": "on", "prf": passkey.prf(options)}
    answer = client.post("/you/second/passkey/", fields, **HERE)
    assert answer.status_code == 302, answer.content.decode()
    if answer.url == "/you/second/codes/":
        client.post("/you/second/codes/", **HERE)
    return passkey


def ask(client: Client, purpose: str) -> dict[str, Any]:
    answer = client.post("/passkey/options/", {"for": purpose}, **HERE)
    assert answer.status_code == 200, answer.content.decode()
    return answer.json()


def sign_in(client: Client, passkey: SoftPasskey, *, prf: bool = True, **fields: str) -> Any:
    """By passkey alone."""
    options = ask(client, "sign-in")
    fields["credential"] = passkey.use(options)
    if prf:
        fields["prf"] = passkey.prf(options)
    return client.post("/sign-in/passkey/", fields, **HERE)


__all__ = ["HERE", "SoftPasskey", "add_passkey", "ask", "sign_in", "step_up"]
