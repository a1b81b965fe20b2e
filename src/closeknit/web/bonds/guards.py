"""What the database itself refuses: that somebody under 18 is in a bond for partners.

The services refuse it first, with kind words. These triggers hold whatever comes by: a service of tomorrow that forgets,
`update()`, a statement by hand. A CHECK cannot look into another table; a trigger can.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections, transaction

from closeknit.web.members.models import Member

from .models import Bond, Membership


@dataclass(frozen=True, slots=True)
class Guard:
    """Before `event` on `table`, refuse if a row of this query is there."""

    name: str
    table: str
    event: str
    found: str


def _guards() -> tuple[Guard, ...]:
    bond, place, member = (model._meta.db_table for model in (Bond, Membership, Member))
    partners = f"b.kind = '{Bond.Kind.PARTNERS.value}'"
    comes = (
        f'SELECT 1 FROM "{bond}" b, "{member}" m WHERE b.id = NEW.bond_id AND m.id = NEW.member_id '  # noqa: S608
        f"AND NEW.ended_at IS NULL AND {partners} AND m.under_18"
    )
    turns = (
        f'SELECT 1 FROM "{place}" p, "{member}" m WHERE p.bond_id = NEW.id AND m.id = p.member_id '  # noqa: S608
        f"AND p.ended_at IS NULL AND NEW.kind = '{Bond.Kind.PARTNERS.value}' AND m.under_18"
    )
    grows = (
        f'SELECT 1 FROM "{place}" p, "{bond}" b WHERE p.member_id = NEW.id AND b.id = p.bond_id '  # noqa: S608
        f"AND p.ended_at IS NULL AND {partners} AND NEW.under_18"
    )
    return (
        Guard("ck_adults_come", place, "INSERT", comes),
        Guard("ck_adults_stay", place, "UPDATE OF bond_id, member_id, ended_at", comes),
        Guard("ck_adults_kind", bond, "UPDATE OF kind", turns),
        Guard("ck_adults_age", member, "UPDATE OF under_18", grows),
    )


def install(using: str = "default") -> None:
    """Make the triggers, or make them anew, after every migration."""
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        if not {model._meta.db_table for model in (Bond, Membership, Member)} <= tables:
            return  # one app was migrated alone; the others' turn comes
        for guard in _guards():
            for statement in _statements(connection.vendor, guard):
                cursor.execute(statement)


def remove(using: str = "default") -> None:
    """Take the triggers away before a migration: SQLite remakes no table that a trigger elsewhere names."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for guard in _guards():
            cursor.execute(f'DROP TRIGGER IF EXISTS "{guard.name}"')


def _statements(vendor: str, guard: Guard) -> list[str]:
    """SQL from this module's own constants and table names; no value of anybody's is in it."""
    says = "a bond for partners is for people of 18 or older"
    if vendor == "sqlite":
        return [
            f'DROP TRIGGER IF EXISTS "{guard.name}"',
            f'CREATE TRIGGER "{guard.name}" BEFORE {guard.event} ON "{guard.table}" WHEN EXISTS ({guard.found}) '
            f"BEGIN SELECT RAISE(ABORT, '{says}'); END",
        ]
    return [
        f'CREATE OR REPLACE FUNCTION "{guard.name}"() RETURNS trigger LANGUAGE plpgsql AS '
        f"$guard$ BEGIN IF EXISTS ({guard.found}) THEN "
        f"RAISE EXCEPTION '{says}' USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END $guard$",
        f'DROP TRIGGER IF EXISTS "{guard.name}" ON "{guard.table}"',
        f'CREATE TRIGGER "{guard.name}" BEFORE {guard.event} ON "{guard.table}" FOR EACH ROW '
        f'EXECUTE FUNCTION "{guard.name}"()',
    ]
