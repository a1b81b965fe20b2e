"""Before anything is served: the folder, the tables and the static files, made by one process at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .ground import progress_bar, say_and_end

#: Names the advisory lock in PostgreSQL; any number that nothing else there uses.
START_LOCK = 7_214_889_303
#: Making all tables takes seconds; whoever waits longer than this has been forgotten.
START_SECONDS = 300


def prepare(data: Path) -> None:
    """Folder, tables, static files; with a line for each, since the first start takes a few seconds."""
    from django.db import InterfaceError, OperationalError

    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(data):
            _prepare_alone()
    except (OperationalError, InterfaceError, sqlite3.OperationalError) as error:
        # The server's own words may hold addresses and names; the kind of error is enough to go by.
        mend = "See that it runs, that its disk has room and can be written to; `closeknit doctor` looks closer."
        say_and_end("no-database", f"The database does not answer ({type(error).__name__}). {mend}")
    except OSError as error:
        say_and_end("no-folder", f"The data folder cannot be written to: {error.strerror}.")


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Of several that start at once, one prepares and the others wait: by folder, and by database across machines.

    Both locks end with their connection, so a process that is killed leaves none behind.
    """
    from django.db import connection

    with ExitStack() as held:
        folder = sqlite3.connect(data / "start.lock", timeout=START_SECONDS, isolation_level=None)
        held.callback(folder.close)
        folder.execute("BEGIN EXCLUSIVE")
        if connection.vendor == "postgresql":
            # Beside the pool, which would hand the lock on to the next request together with its connection.
            with connection.wrap_database_errors:
                alone = connection.Database.connect(**connection.get_connection_params(), autocommit=True)
                held.callback(alone.close)
                alone.execute("SELECT pg_advisory_lock(%s)", [START_LOCK])
        yield


def _prepare_alone() -> None:
    from django.core.management import call_command
    from django.core.management.commands import migrate
    from django.db import connection

    from .migrating import WholeExecutor

    with progress_bar() as progress:
        task = progress.add_task("Looking at the database", total=3)
        executor = WholeExecutor(connection)
        known, ours = set(executor.loader.disk_migrations), _our_apps()
        if any(key[0] in ours and key not in known for key in executor.loader.applied_migrations):
            say_and_end("newer-database", "This data was written by a newer Closeknit. Install that one.")
        progress.advance(task)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            progress.update(task, description="Making the tables")
            # The command names its executor itself; there is no setting for it.
            migrate.MigrationExecutor = WholeExecutor  # type: ignore[attr-defined]
            call_command("migrate", verbosity=0, interactive=False)
        progress.advance(task)
        progress.update(task, description="Laying out pages' styles and scripts")
        _static()
        progress.advance(task)


def _our_apps() -> set[str]:
    from django.apps import apps

    return {app.label for app in apps.get_app_configs() if app.name.startswith("closeknit.")}


def _static() -> None:
    """Collect static files when the program has changed since they were last collected."""
    from django.conf import settings
    from django.core.management import call_command

    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    files = [file for folder in settings.STATICFILES_DIRS for file in Path(folder).rglob("*") if file.is_file()]
    newest = f"{len(files)} {max((file.stat().st_mtime_ns for file in files), default=0)}"
    if stamp.exists() and stamp.read_text() == newest:
        return
    # The stamp goes first and comes last: cut off in between, the next start begins again.
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(newest)
