"""Counts attempts, each once by (class, target, method), and says which of them won.

A win is one of these: words of somebody else in the answer, a row changed that is not the attacker's, a right gained, an
error of the server's own, a redirect to another site, markup that was not escaped, a page without its content policy.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.db import connection, transaction

from closeknit.web.members.models import Member

#: Whose a row is: the lookup to its member, by model. What is not named here is nobody's own.
OWNER = {
    "Member": "id",
    "MemberRow": "member_id",
    "SecretWrap": "member_id",
    "Factor": "member_id",
    "OwnSession": "member_id",
    "Dropped": "member_id",
    "Membership": "member_id",
    "BondRow": "member_id",
    "BondKey": "member_id",
    "Grant": "recipient_id",
    "Invitation": "inviter_id",
    "RecordLine": "member_id",
    "PrivateWord": "member_id",
    "Sheet": "member_id",
    "Refusal": "member_id",
    "StreamHead": "member_id",
    "Item": "author_id",
    "Draft": "member_id",
    "OwnPrompt": "author_id",
    "DialogueOwn": "member_id",
    "DialogueChoice": "member_id",
}
RIGHTS = ("username", "under_18", "is_host", "is_staff", "is_superuser", "is_active", "public_key", "email")
#: Raw, these would be markup or code; escaped, they are words.
RAW = ("<img src=x", "<script>alert", "' onmouseover=alert", '" onmouseover=alert', "<svg/onload", "javascript:alert")

Rows = dict[tuple[str, Any], tuple[Any, ...]]


def rows_of_others(attacker: Any, shared: Iterable[Any] = ()) -> Rows:
    """Every row that is not this member's own. `shared`: bonds they are in, whose common rows they may change."""
    found: Rows = {}
    members = defaultdict(set)
    for bond, member in apps.get_model("bonds", "Membership").objects.values_list("bond_id", "member_id"):
        members[bond].add(member)
    common = {*shared, *(bond for bond, present in members.items() if present == {attacker})}
    for model in apps.get_models():
        if model._meta.app_label not in {"members", "bonds", "moments", "dialogues"} or model.__name__ in {"Limit", "Wrap"}:
            continue
        owner = OWNER.get(model.__name__)
        names = [one.attname for one in model._meta.concrete_fields]
        for values in model.objects.values_list(*names):
            row = dict(zip(names, values, strict=True))
            if owner is not None and row[owner] == attacker:
                continue
            bond = row["id"] if model.__name__ == "Bond" else row.get("bond_id")
            nobodys = owner is None or row[owner] is None
            if nobodys and bond in common and model.__name__ != "Event":
                continue
            found[(model.__name__, row[model._meta.pk.attname])] = tuple(map(_plain, values))
    wraps = apps.get_model("bonds", "Wrap").objects.exclude(item__author_id=attacker)
    found |= {("Wrap", one.pk): (one.epoch, one.target, bytes(one.body)) for one in wraps}
    return found


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def changed(before: Rows, after: Rows, *, may_add: Iterable[str] = ()) -> list[str]:
    """Names of models with a row that is gone, altered, or new."""
    names = {name for name, _pk in (k for k in before if before[k] != after.get(k))}
    names |= {name for name, _pk in (k for k in after if k not in before) if name not in set(may_add)}
    return sorted(names)


def off_site(location: str) -> bool:
    """Whether a browser that is sent there would leave: it takes backslashes for slashes and skips tabs."""
    seen = re.sub(r"[\t\r\n]", "", location).replace("\\", "/").strip()
    parts = urlsplit(seen)
    return seen.startswith("//") or bool(parts.scheme and parts.netloc != "testserver") or parts.netloc not in {
        "",
        "testserver",
    }


@dataclass
class Ledger:
    """All attempts of a run."""

    attempts: dict[tuple[str, str, str], str] = field(default_factory=dict)
    wins: list[str] = field(default_factory=list)

    def note(self, kind: str, target: str, method: str, outcome: str, won: Iterable[str] = ()) -> None:
        """One attempt. The same one twice is a slip of the suite's."""
        key = (kind, target, method)
        assert key not in self.attempts, f"counted twice: {key}"
        self.attempts[key] = outcome
        self.wins += [f"{kind}: {method} {target}: {why}" for why in won]

    def summary(self) -> dict[str, Any]:
        classes: dict[str, Counter[str]] = defaultdict(Counter)
        for (kind, _target, _method), outcome in self.attempts.items():
            classes[kind][outcome] += 1
        return {
            "attempts": len(self.attempts),
            "wins": len(self.wins),
            "classes": {kind: dict(sorted(count.items())) for kind, count in sorted(classes.items())},
        }

    def table(self) -> str:
        lines = [f"{'class':<44}{'attempts':>9}  answers"]
        for kind, count in self.summary()["classes"].items():
            answers = ", ".join(f"{outcome} x{n}" for outcome, n in count.items())
            lines.append(f"{kind:<44}{sum(count.values()):>9}  {answers}")
        return "\n".join(lines)


class Written:
    """Whether anything was written but sessions and counts of tries: only then rows need to be compared."""

    def __init__(self) -> None:
        self.any = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.split(None, 1)[0].upper() in {"INSERT", "UPDATE", "DELETE"} and not any(
            name in sql for name in ("django_session", "members_limit")
        ):
            self.any = True
        return execute(sql, params, many, context)


@dataclass
class Attacker:
    """Someone who tries: what they must not see, and whose rows they must not touch. Each try is undone afterwards."""

    ledger: Ledger
    kind: str
    member: Any = None
    hidden: tuple[str, ...] = ()
    shared: tuple[Any, ...] = ()
    #: A further look at what must stay as it is, sealed inside rows that may grow.
    watch: Callable[[], Any] = lambda: None
    _before: Rows | None = None
    _watched: Any = None

    def tries(self, target: str, method: str, act: Callable[[], Any], *, expect: set[int] | None = None) -> Any:
        """Do it and judge it. `act` returns a response, or None where only rows can tell."""
        if self._before is None:
            self._before, self._watched = rows_of_others(self.member, self.shared), self.watch()
            self._rights = self._rights_now()
        sid, written = transaction.savepoint(), Written()
        with connection.execute_wrapper(written):
            answer = act()
        won = self._judge_rows() if written.any else []
        won += judge_answer(answer, self.hidden) if answer is not None else []
        if expect is not None and answer is not None and answer.status_code not in expect:
            won.append(f"answered {answer.status_code}")
        transaction.savepoint_rollback(sid)
        self.ledger.note(self.kind, target, method, str(answer.status_code) if answer is not None else "held", won)
        return answer

    def _rights_now(self) -> Any:
        return Member.objects.filter(pk=self.member).values_list(*RIGHTS).first() if self.member else None

    def _judge_rows(self) -> list[str]:
        won = []
        may_add = {"Event", "Moment"} if self.shared else set()
        names = changed(self._before or {}, rows_of_others(self.member, self.shared), may_add=may_add)
        if names:
            won.append(f"changed rows of others: {', '.join(names)}")
        if self.watch() != self._watched:
            won.append("changed what another had sealed")
        if list(map(_plain, self._rights_now() or ())) != list(map(_plain, self._rights or ())):
            won.append("gained a right")
        return won


def judge_answer(answer: Any, hidden: Iterable[str] = ()) -> list[str]:
    """What is wrong with this response."""
    won = []
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    page = body.decode("utf-8", "replace")
    said = page + "\n".join(f"{name}: {value}" for name, value in answer.items())
    won += [f"shows {marker!r}" for marker in hidden if marker in said]
    if answer.status_code >= 500:
        won.append(f"a {answer.status_code}")
    if "changed from outside" in page:
        won.append("cries that the database was changed")
    if off_site(answer.get("Location", "")) or off_site(answer.get("HX-Redirect", "")):
        won.append(f"sends off the site: {answer.get('Location')}")
    if answer.get("Content-Type", "").startswith("text/html") and page:
        won += [f"raw markup {raw!r}" for raw in RAW if raw in page]
        if "default-src 'none'" not in answer.get("Content-Security-Policy", ""):
            won.append("a page without its content policy")
    return won


__all__ = ["Attacker", "Ledger", "changed", "judge_answer", "off_site", "rows_of_others"]
