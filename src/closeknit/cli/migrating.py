"""Changing the tables so that a kill at any moment leaves a step made and recorded, or neither."""

from __future__ import annotations

from typing import Any

from django.db.migrations.executor import MigrationExecutor


class WholeExecutor(MigrationExecutor):
    """Records a migration in the transaction that makes it.

    Django does so, too, but for those that leave some statements for the end: these it records a moment after. Whoever is
    killed in between has tables that the record knows nothing of, and no later start gets past them.
    """

    def apply_migration(self, state: Any, migration: Any, fake: bool = False, fake_initial: bool = False) -> Any:
        """As Django's; migrations that are no transaction, or that are only recorded, are left to it."""
        if fake or fake_initial or not migration.atomic:
            return super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
        if self.progress_callback:
            self.progress_callback("apply_start", migration, fake)
        with self.connection.schema_editor(atomic=True) as editor:
            state = migration.apply(state, editor)
            while editor.deferred_sql:
                editor.execute(editor.deferred_sql.pop(0), None)
            self.record_migration(migration)
        if self.progress_callback:
            self.progress_callback("apply_success", migration, fake)
        return state
