"""The keyring of a request: sealed in the session, its key in the browser's cookie, open only while a request runs.

The server's session holds envelopes alone. Whoever steals the table has no cookies; whoever steals a cookie without
the table has nothing to open.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from closeknit import vault
from closeknit.web import clock

SESSION_NAME = "ck"
KEPT_NAME = "ck_kept"
#: The name under which an opened secret waits for a second way to sign in. Never carried into another session.
PENDING = "pending"
STEP_UP_SECONDS = 300
_NO_OWNER = uuid.UUID(int=0)


def key_cookie_name() -> str:
    """`__Host-` needs Secure, which plain HTTP on localhost cannot have."""
    return "__Host-ck-key" if settings.SESSION_COOKIE_SECURE else "ck-key"


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        return b""


class RequestKeys:
    """Everything one request may open. Lives on the request, is forgotten when its response is closed."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._keyring: vault.Keyring | None = None
        self._tried = False
        self._new_cookie: vault.Key | None = None
        self._cookie_age: int | None = None
        self._clear_cookie = False
        self.cache: dict[Any, Any] = {}

    def __repr__(self) -> str:
        return "<key>"

    # -- the cookie ------------------------------------------------------------------------------------------------

    def _cookie_key(self) -> vault.Key | None:
        if self._new_cookie is not None:
            return self._new_cookie
        raw = _bytes(self._request.COOKIES.get(key_cookie_name(), ""))
        return vault.Key(raw) if len(raw) == 32 else None

    def _need_cookie_key(self) -> vault.Key:
        key = self._cookie_key()
        if key is None:
            key = self._new_cookie = vault.Key.new()
        return key

    def apply(self, response: HttpResponse) -> None:
        """Write what changed into the response's cookie."""
        if self._clear_cookie:
            response.delete_cookie(key_cookie_name(), samesite="Lax")
        elif self._new_cookie is not None:
            response.set_cookie(
                key_cookie_name(),
                _text(self._new_cookie.raw),
                max_age=self._cookie_age,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )

    def close(self) -> None:
        """Forget all keys. Called when the response's body is closed."""
        self._keyring = None
        self._tried = True
        self._new_cookie = None
        self.cache.clear()

    # -- the keyring -----------------------------------------------------------------------------------------------

    @property
    def _data(self) -> dict[str, Any]:
        data = self._request.session.get(SESSION_NAME)
        return data if isinstance(data, dict) else {}

    def _save(self, data: dict[str, Any]) -> None:
        self._request.session[SESSION_NAME] = data

    def _context(self, place: vault.Place, sid: str) -> vault.Context:
        return vault.Context(place, uuid.UUID(sid), self._request.user.pk)

    @property
    def is_open(self) -> bool:
        """Whether this session can read: signed in, and not locked."""
        return self.keyring is not None

    @property
    def keyring(self) -> vault.Keyring | None:
        """The member's keyring, or None when signed out or locked."""
        if not self._tried:
            self._tried = True
            self._keyring = self._open()
        return self._keyring

    @property
    def need(self) -> vault.Keyring:
        """The member's keyring. Raises Locked when there is none."""
        keyring = self.keyring
        if keyring is None:
            raise Locked
        return keyring

    def _open(self) -> vault.Keyring | None:
        data, key = self._data, self._cookie_key()
        if not self._request.user.is_authenticated or key is None or "secret" not in data:
            return None
        try:
            raw = vault.open_envelope(
                key,
                vault.Kind.SESSION,
                self._context(vault.Place.SESSION_SECRET, data["sid"]),
                _bytes(data["secret"]),
            )
            return vault.Keyring(vault.Key(raw))
        except (vault.VaultError, ValueError):
            return None

    def unlock(self, keyring: vault.Keyring, *, remember: bool = False) -> None:
        """Seal the member secret into the session under a new cookie key, with a new drop key beside it."""
        sid = str(uuid.uuid4())
        self._new_cookie = cookie = vault.Key.new()
        drop = vault.Key.new()
        remember = remember or bool(self._data.get("remember"))
        self._cookie_age = settings.CK_REMEMBER_SECONDS if remember else None
        now = int(clock.now().timestamp())

        def sealed(key: vault.Key, kind: vault.Kind, place: vault.Place, secret: vault.Key) -> str:
            return _text(vault.seal(key, kind, self._context(place, sid), secret.raw, padding=vault.Padding.CHOICE))

        self._save(
            {
                "sid": sid,
                "secret": sealed(cookie, vault.Kind.SESSION, vault.Place.SESSION_SECRET, keyring.secret),
                "drop": sealed(cookie, vault.Kind.SESSION, vault.Place.SESSION_DROP, drop),
                "drop_own": sealed(keyring.self_key, vault.Kind.SELF, vault.Place.SESSION_DROP_OWN, drop),
                "seen": now,
                "started": now,
                "remember": remember,
            }
        )
        self._keyring, self._tried = keyring, True

    def lock(self) -> None:
        """Take the sealed secret out of the session; what can still write under the drop key stays."""
        data = dict(self._data)
        if data.pop("secret", None) is not None:
            self._save(data)
        self._keyring, self._tried = None, True

    def renew_cookie(self, *, remember: bool = False) -> None:
        """A new cookie key: before anything secret of a member's is kept, so that nobody else chose it. What was kept
        under the old one has to be carried over."""
        self._new_cookie = vault.Key.new()
        self._cookie_age = settings.CK_REMEMBER_SECONDS if remember else None

    def start_locked(self, *, remember: bool = False) -> None:
        """After signing in by a passkey that opens nothing: locked from the first moment, under a new cookie key."""
        self.renew_cookie(remember=remember)
        self._save({"remember": remember})
        self._keyring, self._tried = None, True

    @property
    def was_open(self) -> bool:
        """Whether this session was ever unlocked."""
        return "started" in self._data

    def sign_out(self) -> None:
        """Expire the cookie; the session itself is flushed by whoever signs out."""
        self._clear_cookie, self._new_cookie = True, None
        self._keyring, self._tried = None, True

    # -- activity --------------------------------------------------------------------------------------------------

    @property
    def holds_secret(self) -> bool:
        return "secret" in self._data

    def idle_seconds(self) -> float:
        """Seconds since the last noted activity."""
        return clock.now().timestamp() - float(self._data.get("seen", 0))

    def age_seconds(self) -> float:
        """Seconds since the passphrase was last typed."""
        return clock.now().timestamp() - float(self._data.get("started", 0))

    @property
    def remembered(self) -> bool:
        return bool(self._data.get("remember"))

    def note_activity(self) -> None:
        """Remember that someone is here, at most once a minute."""
        if self.idle_seconds() >= 60:
            self._save({**self._data, "seen": int(clock.now().timestamp())})

    @property
    def held_until(self) -> int:
        """The second until which a running talk keeps quiet from locking this session; 0 without its owner's yes."""
        return int(self._data.get("held", 0))

    @property
    def is_held(self) -> bool:
        """Whether the idle lock waits. The absolute one never does."""
        return clock.now().timestamp() < self.held_until

    def hold(self, until: int) -> None:
        """Hold the idle lock back until a second; 0 ends it. Written when it moves by a minute or more, or ends."""
        if bool(until) != bool(self.held_until) or abs(until - self.held_until) >= 60:
            self._save({**self._data, "held": until})

    # -- the passphrase again ----------------------------------------------------------------------------------------

    def confirm(self) -> None:
        """Note that the passphrase was typed again just now, on purpose."""
        self._save({**self._data, "confirmed": int(clock.now().timestamp())})

    @property
    def is_confirmed(self) -> bool:
        """Whether the passphrase was typed again within the last five minutes. Signing in does not count."""
        since = clock.now().timestamp() - float(self._data.get("confirmed", 0))
        return self.is_open and 0 <= since < STEP_UP_SECONDS

    # -- the drop key ----------------------------------------------------------------------------------------------

    def drop_key(self) -> tuple[vault.Key, vault.Envelope, uuid.UUID] | None:
        """(drop key, the same key sealed for its owner, the id it is bound to), also while locked."""
        data, key = self._data, self._cookie_key()
        if not self._request.user.is_authenticated or key is None or "drop" not in data:
            return None
        try:
            raw = vault.open_envelope(
                key, vault.Kind.SESSION, self._context(vault.Place.SESSION_DROP, data["sid"]), _bytes(data["drop"])
            )
            return vault.Key(raw), vault.parse(_bytes(data["drop_own"])), uuid.UUID(data["sid"])
        except (vault.VaultError, ValueError):
            return None

    # -- small secrets kept between pages, also for visitors ---------------------------------------------------------

    def keep(self, name: str, value: dict[str, Any]) -> None:
        """Keep `value` between pages, sealed under the cookie's key."""
        sid = str(uuid.uuid4())
        context = vault.Context(vault.Place.SESSION_KEPT, uuid.UUID(sid), _NO_OWNER, extra=(name.encode(),))
        plain = json.dumps(value, separators=(",", ":")).encode()
        sealed = vault.seal(self._need_cookie_key(), vault.Kind.SESSION, context, plain)
        self._request.session[KEPT_NAME] = {
            **self._request.session.get(KEPT_NAME, {}),
            name: [sid, _text(sealed)],
        }

    def kept(self, name: str) -> dict[str, Any] | None:
        """What was kept under `name`, or None."""
        stored, key = self._request.session.get(KEPT_NAME, {}).get(name), self._cookie_key()
        if stored is None or key is None:
            return None
        context = vault.Context(vault.Place.SESSION_KEPT, uuid.UUID(stored[0]), _NO_OWNER, extra=(name.encode(),))
        try:
            value = json.loads(vault.open_envelope(key, vault.Kind.SESSION, context, _bytes(stored[1])))
        except (vault.VaultError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def forget(self, name: str) -> None:
        """Drop what was kept under `name`."""
        kept = dict(self._request.session.get(KEPT_NAME, {}))
        if kept.pop(name, None) is not None:
            self._request.session[KEPT_NAME] = kept

    def carry(self) -> dict[str, dict[str, Any]]:
        """Everything kept, opened: to be kept again under the cookie key that signing in makes."""
        self.forget(PENDING)
        return {name: value for name in self._request.session.get(KEPT_NAME, {}) if (value := self.kept(name))}


class Locked(Exception):
    """This session has no open keyring; the middleware answers with the locked page."""


def keys_of(request: HttpRequest) -> RequestKeys:
    """The keys of this request, made by KeyringMiddleware."""
    return request.keys  # type: ignore[attr-defined, no-any-return]
