"""The journal of removals: what a restore must remove again. Ids, revisions and times; never a word.

Three steps, so that nothing removed can be forgotten:

1. Triggers of the database note each removal in the table `Removal`, in the transaction that removes. A trigger sees
   what a Django signal does not: `update()`, cascades, statements by hand. And it costs no row a trip to Python, so ten
   thousand rows are removed as quickly as before.
2. After the commit the notes are appended to `journal.jsonl` in the data folder, and forced to the disk.
3. The worker's `settle` appends, each minute, what a crash left between the two, and empties the table.

A line that is in the file twice does no harm: each says what is gone, and gone twice is gone.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, models, transaction

from .kinds import REGISTRY
from .models import Removal

log = logging.getLogger("closeknit.journal")

FILE_NAME = "journal.jsonl"
CHUNK = 1000

#: Member data whose removal is not noted, each with the reason. Drafts are: they hold words that somebody let go.
#: Django's own sessions and the list of them are no part of a backup, so there is nothing to end again, and no need
#: to keep for ever when somebody signed out.
LEFT_OUT = {
    "members.limit": "Counts of tries under a keyed hash; they name nobody and end after a day.",
    "members.ownsession": "No session is part of a backup.",
    "mfa.authenticator": "Goes with its factor, which is noted; alone it counts for nothing.",
    "bonds.grant": "A key on its way goes when it was opened. Removed again, before it is, it would lock its owner out.",
    "bonds.bondkey": "Only its owner can open it. Without it, someone who left cannot take their words along again.",
    "bonds.streamhead": "Counts and hashes of its owner's own.",
    "bonds.bondepoch": "Goes with its bond alone.",
}


@dataclass(frozen=True, slots=True)
class Watch:
    """A change that is noted: rows of `label` deleted or added, or their `column` written, if `when` holds."""

    label: str
    event: str
    when: str
    kind: str
    column: str = ""
    row: str = "NEW.id"
    revision: str = "0"
    #: The label of the noted row, where that is another table's.
    of: str = ""


#: An invitation's revision says how it ended: 1 taken up, 2 over. A backup may hold one between the two.
TAKEN_UP, OVER = 1, 2
_ENDED_NOW = "OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL"
WATCHED = (
    Watch("bonds.membership", "UPDATE", _ENDED_NOW, "ended", "ended_at"),
    Watch("bonds.bond", "UPDATE", _ENDED_NOW, "ended", "ended_at"),
    Watch(
        "bonds.invitation",
        "UPDATE",
        "OLD.state <> NEW.state AND NEW.state IN ('accepted', 'recalled', 'ended')",
        "ended",
        "state",
        revision=f"CASE NEW.state WHEN 'accepted' THEN {TAKEN_UP} ELSE {OVER} END",
    ),
    Watch(
        "members.secretwrap", "UPDATE", "NEW.revision > OLD.revision", "rotated", "revision", revision="NEW.revision"
    ),
    # A recovery code that was used. Codes from an app end by themselves: their use would only say when somebody came.
    Watch(
        "members.factor",
        "UPDATE",
        "NEW.kind = 'recovery_codes' AND NEW.revision > OLD.revision",
        "rotated",
        "revision",
        revision="NEW.revision",
    ),
    Watch("members.member", "UPDATE", "NEW.public_key <> OLD.public_key", "rotated", "public_key"),
    Watch(
        "bonds.bondepoch", "INSERT", "NEW.epoch > 1", "rotated", row="NEW.bond_id", revision="NEW.epoch", of="bonds.bond"
    ),
)


def noted_models() -> list[type[models.Model]]:
    """The models whose removed rows are noted. Raises TypeError for one whose ids are not random: a number could come
    again after a restore, and the journal would then remove what is new."""
    found = [kind.model for label, kind in REGISTRY.items() if label not in LEFT_OUT]
    for model in found:
        if not isinstance(model._meta.pk, models.UUIDField):
            raise TypeError(f"{model._meta.label} needs a random id, or a reason in LEFT_OUT")
    return found


# -- noting: the database does it ---------------------------------------------------------------------------------------


def install(using: str = "default") -> None:
    """Make the triggers, or make them anew. After every migration, since SQLite loses them when it remakes a table."""
    connection = connections[using]
    rules = []
    for model in noted_models():
        has_revision = any(field.name == "revision" for field in model._meta.concrete_fields)
        revision = "OLD.revision" if has_revision else "0"
        rules.append(Watch(model._meta.label_lower, "DELETE", "TRUE", "removed", row="OLD.id", revision=revision))
    with transaction.atomic(using=using), connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for rule in (*rules, *WATCHED):
            if apps.get_model(rule.label)._meta.db_table not in tables:
                continue  # one app was migrated alone; the others' turn comes
            for statement in _statements(connection.vendor, rule):
                cursor.execute(statement)


def _statements(vendor: str, rule: Watch) -> list[str]:
    """SQL from this module's own constants and table names; no value of anybody's is in it."""
    table = apps.get_model(rule.label)._meta.db_table
    name, event = f"ck_note_{rule.kind}_{table}", f"{rule.event} OF {rule.column}" if rule.column else rule.event
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now')" if vendor == "sqlite" else "clock_timestamp()"
    insert = (
        f'INSERT INTO "{Removal._meta.db_table}" ("label", "row", "revision", "at", "kind") '  # noqa: S608
        f"VALUES ('{rule.of or rule.label}', {rule.row}, {rule.revision}, {now}, '{rule.kind}');"
    )
    if vendor == "sqlite":
        return [
            f'DROP TRIGGER IF EXISTS "{name}"',
            f'CREATE TRIGGER "{name}" AFTER {event} ON "{table}" WHEN {rule.when} BEGIN {insert} END',
        ]
    return [
        f'CREATE OR REPLACE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS '
        f"$note$ BEGIN {insert} RETURN NULL; END $note$",
        f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"',
        f'CREATE TRIGGER "{name}" AFTER {event} ON "{table}" FOR EACH ROW WHEN ({rule.when}) '
        f'EXECUTE FUNCTION "{name}"()',
    ]


@cache
def _telling() -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The statements after which there may be something to append: how they begin; and which column they name then."""
    begins = {"DELETE": "DELETE FROM", "UPDATE": "UPDATE", "INSERT": "INSERT INTO"}
    changes = [("DELETE", model, "") for model in noted_models()]
    changes += [(rule.event, apps.get_model(rule.label), rule.column) for rule in WATCHED]
    found = [(f'{begins[event]} "{model._meta.db_table}"', column) for event, model, column in changes]
    return tuple({begin for begin, _column in found}), tuple(found)


def _may_have_noted(sql: str) -> bool:
    every, each = _telling()
    return sql.startswith(every) and any(sql.startswith(begin) and column in sql for begin, column in each)


def watch_statements(connection: Any, **_kwargs: Any) -> None:
    """For each new connection: after a statement that may have noted something, append once the transaction is done."""
    if connection.alias != "default" or _append_after in connection.execute_wrappers:
        return
    connection.execute_wrappers.append(_append_after)


def _append_after(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    result = execute(sql, params, many, context)
    if _may_have_noted(sql):
        connection = context["connection"]
        waiting = connection.savepoint_ids
        if not any(done[1] is flush and set(done[0]) <= set(waiting) for done in connection.run_on_commit):
            connection.on_commit(flush, robust=True)
    return result


# -- the file -----------------------------------------------------------------------------------------------------------

_appending = threading.Lock()
#: Ids of notes that this process has appended and that may still lie in the table.
_appended: set[int] = set()


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the journal."""

    label: str
    row: uuid.UUID
    revision: int
    at: datetime
    kind: str

    def line(self) -> str:
        return json.dumps(
            {
                "label": self.label,
                "row": str(self.row),
                "revision": self.revision,
                "at": self.at.isoformat(),
                "kind": self.kind,
            },
            separators=(",", ":"),
        )

    @classmethod
    def of(cls, removal: Removal) -> Note:
        return cls(removal.label, removal.row, removal.revision, removal.at, removal.kind)


def journal_path() -> Path:
    """Where this installation's journal lies."""
    return Path(settings.CONFIG.data) / FILE_NAME


def flush() -> int:
    """Append every note that this process has not appended yet, and force them to the disk. Returns how many.

    Never raises for a full or broken disk: what could not be appended stays in the table, and the next time comes.
    """
    with _appending:
        new = sorted(set(Removal.objects.values_list("pk", flat=True)) - _appended)
        for start in range(0, len(new), CHUNK):
            removals = list(Removal.objects.filter(pk__in=new[start : start + CHUNK]).order_by("pk"))
            try:
                append(journal_path(), (Note.of(removal) for removal in removals))
            except OSError as error:
                log.error("journal-not-written errno=%s", error.errno)
                return start
            _appended.update(removal.pk for removal in removals)
    return len(new)


def settle() -> int:
    """Append what waits and empty the table of what is in the file. Returns how many notes it was emptied of."""
    flush()
    with _appending:
        done = sorted(_appended)
        for start in range(0, len(done), CHUNK):
            Removal.objects.filter(pk__in=done[start : start + CHUNK]).delete()
        _appended.clear()
    return len(done)


def append(path: Path, notes: Iterable[Note]) -> None:
    """Add lines at the end and force them to the disk. A line that a power cut tore is closed first."""
    made = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        torn = False
        if size:
            file.seek(size - 1)
            torn = file.read(1) != b"\n"
        lines = "".join(f"{note.line()}\n" for note in notes).encode("ascii")
        data = (b"\n" if torn else b"") + lines
        while data:
            data = data[file.write(data) or 0 :]
        os.fsync(file.fileno())
    if made:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> Iterator[Note]:
    """The notes of a journal. A torn line says nothing: its note was still in the table, and came again."""
    with path.open("rb") as file:
        for line in file:
            try:
                found = json.loads(line)
                yield Note(
                    str(found["label"]),
                    uuid.UUID(found["row"]),
                    int(found["revision"]),
                    datetime.fromisoformat(found["at"]),
                    str(found["kind"]),
                )
            except (ValueError, KeyError, TypeError):
                continue
