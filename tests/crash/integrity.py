"""Is a store whole? Opens everything in it, as each of its members, and names whatever is half made.

`check_store` runs inside a process whose settings point at the store; `Checker` is such a process, which answers one
line of JSON with another, so that the program under test and its examiner share nothing but the data.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Seen:
    """What one member's page of one moment shows."""

    revealed: bool
    mine: str | None
    draft: str
    others: dict[str, str]
    responses: list[tuple[str, str, str]]
    words: list[tuple[str, str]]


@dataclass
class Report:
    """problems: one line each, ids and kinds only. members: id by sign-in name. seen: by name, then by moment."""

    problems: list[str] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)
    seen: dict[str, dict[str, Seen]] = field(default_factory=dict)
    rows: int = 0
    envelopes: int = 0


def check_store(kits: dict[str, str]) -> Report:
    """Everything, as the members whose recovery kits are given by sign-in name."""
    report = Report()
    _database(report)
    _envelopes(report)
    states: dict[str, Any] = {}
    wrap_keys: dict[Any, dict[int, Any]] = defaultdict(dict)
    keyrings = {}
    for name, kit in kits.items():
        _member(report, name, kit, states, wrap_keys, keyrings)
    _items(report, states, wrap_keys, keyrings)
    _orphans(report)
    return report


def _database(report: Report) -> None:
    """What the database itself knows about its wholeness."""
    from django.db import connection

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            answers = [row[0] for row in cursor.execute("PRAGMA integrity_check").fetchall()]
        if answers != ["ok"]:
            report.problems.append(f"integrity_check: {len(answers)} lines")
    try:
        connection.check_constraints()
    except Exception as error:
        report.problems.append(f"foreign keys: {type(error).__name__}")


def _envelopes(report: Report) -> None:
    """Every sealed column of every row holds an envelope from end to end."""
    from django.apps import apps

    from closeknit import vault
    from closeknit.web.sealed.models import SealedField

    for model in apps.get_models():
        columns = [column.attname for column in model._meta.fields if isinstance(column, SealedField)]
        for row in model._default_manager.all() if columns else ():
            report.rows += 1
            for column in columns:
                value = getattr(row, column)
                if value is None:
                    continue
                report.envelopes += 1
                try:
                    vault.parse(bytes(value))
                except vault.VaultError as error:
                    report.problems.append(f"{model._meta.label} {row.pk} {column}: {type(error).__name__}")


def _member(
    report: Report, name: str, kit: str, states: dict[str, Any], wrap_keys: dict[Any, dict[int, Any]], keyrings: Any
) -> None:
    from closeknit import vault
    from closeknit.web.bonds import access
    from closeknit.web.members import services as members
    from closeknit.web.members.models import Member, MemberRow

    member = Member.objects.filter(username=name).first()
    if member is None:
        report.problems.append("a member is gone")
        return
    try:
        keyring = members.secret_open_with_kit(member, vault.parse_kit(kit))
        for row in MemberRow.objects.filter(member=member):
            row.unseal(keyring.self_key)
        bonds = access.bonds_load(member.pk, keyring)
    except Exception as error:
        report.problems.append(f"member {member.pk} does not open: {type(error).__name__}")
        return
    keyrings[member.pk] = keyring
    report.members[name] = str(member.pk)
    report.seen[name] = {}
    for opened in bonds:
        if not opened.is_in:
            report.problems.append(f"bond {opened.id}: {member.pk} holds no present key")
            continue
        wrap_keys[opened.id].update(opened.keys)
        try:
            _bond(report, opened, states, report.seen[name])
        except Exception as error:
            report.problems.append(f"bond {opened.id} as {member.pk}: {type(error).__name__}: {error}")


def _bond(report: Report, opened: Any, states: dict[str, Any], seen: dict[str, Seen]) -> None:
    """One bond as one member: its rows, its streams, the member's heads, its moments and the pages made of them."""
    from closeknit import vault
    from closeknit.method import moment as machine
    from closeknit.web.bonds.models import BondEpoch, BondRow, Event, Invitation, StreamHead
    from closeknit.web.bonds.store import events_read
    from closeknit.web.moments import queries
    from closeknit.web.moments.models import Moment, OwnPrompt

    def problem(text: str) -> None:
        report.problems.append(f"bond {opened.id}: {text}")

    for row in BondRow.objects.filter(bond_id=opened.id):
        if row.KIND is vault.Kind.BOND:
            opened.row_payload(row)
        elif row.member_id == opened.me.id:
            row.unseal(opened.keyring.self_key)
    for prompt in OwnPrompt.objects.filter(bond_id=opened.id):
        prompt.unseal(opened.keys[vault.parse(prompt.body).epoch])
    if not BondEpoch.objects.filter(bond_id=opened.id, epoch=opened.epoch).exists():
        problem("its present key was never noted")
    streams = set(Event.objects.filter(bond_id=opened.id).values_list("stream", flat=True))
    # Raises where a chain is broken, has a gap, or ends before this member's head of it.
    verbs = events_read(opened, streams)
    written = {stream for stream, found in verbs.items() if any(v.get("by") == str(opened.me.id) for v in found)}
    heads = set(StreamHead.objects.filter(bond_id=opened.id, member_id=opened.me.id).values_list("stream", flat=True))
    if heads != written:
        problem(f"{len(heads ^ written)} heads do not go with what was written")
    moments = list(Moment.objects.filter(bond_id=opened.id))
    if unknown := {moment.id for moment in moments} - streams:
        problem(f"{len(unknown)} moments without events")
    shown = False
    for moment in moments:
        state = machine.fold(machine.Event.from_payload(payload) for payload in verbs[moment.id])
        states[str(moment.id)] = state
        shown = shown or state.revealed or any(answer.released for answer in state.answers)
        if state.revealed != (moment.revealed_at is not None):
            problem(f"moment {moment.id}: its row and its events disagree about the reveal")
    if shown != opened.bond.opened_together:
        problem("it and its moments disagree about having opened something together")
    if shown and Invitation.objects.filter(bond_id=opened.id, bond_key__isnull=False).exists():
        problem("an invitation carries a key after the first reveal")
    _pages(opened, queries, moments, seen)


def _pages(opened: Any, queries: Any, moments: list[Any], seen: dict[str, Seen]) -> None:
    drafts = queries.drafts_of(opened, [moment.id for moment in moments])
    for glance in queries.glances(opened, moments):
        page = queries.moment_page(opened, glance, drafts)
        answers = [*page.answers, *([page.mine] if page.mine else [])]
        seen[str(glance.id)] = Seen(
            revealed=glance.state.revealed,
            mine=page.mine.text if page.mine else None,
            draft=page.draft,
            others={str(answer.person.id): answer.text for answer in page.answers},
            responses=[(r.by, r.to, r.choice.value) for r in glance.view.responses],
            words=[(str(words.person.id), words.text) for answer in answers for words in answer.words],
        )


def _items(report: Report, states: dict[str, Any], wrap_keys: dict[Any, dict[int, Any]], keyrings: Any) -> None:
    """Each text that a moment knows is there, and no other; each has its wraps as the state says, and each wrap opens."""
    from closeknit.web.bonds.models import Item, Wrap
    from closeknit.web.bonds.store import key_from

    wanted: dict[str, bool] = {}
    for state in states.values():
        for answer in state.answers:
            shared = not state.strict or state.revealed or answer.released or answer.handed
            wanted |= {answer.item: shared} | dict.fromkeys(answer.notes, True)
        wanted |= dict.fromkeys((words.item for words in state.words), True)
    wraps: dict[Any, dict[str, Any]] = defaultdict(dict)
    for wrap in Wrap.objects.select_related("item"):
        wraps[wrap.item_id][wrap.target] = wrap
    items = {str(item.id): item for item in Item.objects.all()}
    report.problems += [f"item {item} is gone" for item in wanted.keys() - items.keys()]
    for name, item in items.items():
        if str(item.stream) in states and name not in wanted:
            report.problems.append(f"item {name}: no moment knows it")
        own, shared = wraps[item.id].get("self"), wraps[item.id].get("bond")
        if own is None:
            report.problems.append(f"item {name}: its author cannot open it")
        if name in wanted and wanted[name] != (shared is not None):
            report.problems.append(f"item {name}: shared in the moment's state and in its wraps is not the same")
        try:
            if own is not None and item.author_id in keyrings:
                item.unseal(key_from(own.unseal(keyrings[item.author_id].self_key)["k"]))
            if shared is not None and item.bond_id in wrap_keys:
                item.unseal(key_from(shared.unseal(wrap_keys[item.bond_id][shared.epoch])["k"]))
        except Exception as error:
            report.problems.append(f"item {name}: a wrap does not open: {type(error).__name__}")


def _orphans(report: Report) -> None:
    """Rows that only make sense beside others, and memberships that nobody can ever open."""
    from closeknit.web.bonds.models import BondKey, Event, Grant, Invitation, Membership, StreamHead
    from closeknit.web.members.models import Member, SecretWrap

    streams = set(Event.objects.values_list("stream", flat=True))
    for head in StreamHead.objects.exclude(stream__in=streams):
        report.problems.append(f"head {head.pk}: of a stream that is not there")
    for member in Member.objects.all():
        openers = set(SecretWrap.objects.filter(member=member).values_list("opener", flat=True))
        if openers != {"passphrase", "kit"}:
            report.problems.append(f"member {member.pk}: has {len(openers)} of 2 wraps")
    for one in Membership.objects.filter(ended_at__isnull=True):
        mine = {"bond_id": one.bond_id}
        if not (
            BondKey.objects.filter(member_id=one.member_id, **mine).exists()
            or Grant.objects.filter(recipient_id=one.member_id, **mine).exists()
            or Invitation.objects.filter(newcomer_id=one.member_id, state="accepted", **mine).exists()
        ):
            report.problems.append(f"membership {one.pk}: no key, none on its way")


class Checker:
    """A process that looks at one store, as often as it is asked."""

    def __init__(self, data: Path, database_url: str = "") -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CLOSEKNIT_")}
        environment |= {"CLOSEKNIT_DATA": str(data), "DJANGO_SETTINGS_MODULE": "closeknit.web.settings"}
        environment["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "src")))
        if database_url:
            environment["CLOSEKNIT_DATABASE_URL"] = database_url
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.integrity"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )

    def check(self, kits: dict[str, str]) -> Report:
        """The store as it is now. Raises RuntimeError if the examiner itself fails."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(kits) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the checker ended")
        found = json.loads(line)
        seen = found.pop("seen").items()
        return Report(seen={name: {m: Seen(**page) for m, page in pages.items()} for name, pages in seen}, **found)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def main() -> None:
    """Answer each line of kits with a report, until there are no more."""
    import django
    from django.db import connections

    django.setup()
    for line in sys.stdin:
        report = check_store(json.loads(line))
        connections.close_all()
        print(json.dumps(asdict(report)), flush=True)


if __name__ == "__main__":
    main()
