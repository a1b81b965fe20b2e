"""`closeknit serve | worker | demo | backup | restore | doctor | content | dialogue | coach | invite | host`."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from closeknit import __version__

if TYPE_CHECKING:
    from closeknit.web.backup import Step

console = Console(stderr=True, highlight=False)

#: Names the advisory lock in PostgreSQL; any number that nothing else there uses.
START_LOCK = 7_214_889_303
#: Making all tables takes seconds; whoever waits longer than this has been forgotten.
START_SECONDS = 300


def _environment(**values: Any) -> None:
    for name, value in values.items():
        if value is not None:
            os.environ[f"CLOSEKNIT_{name.upper()}"] = str(value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "closeknit.web.settings")


def _config() -> Any:
    """The settings; or what is unsafe about them, said plainly."""
    from closeknit.web import config

    try:
        return config.load()
    except config.Unsafe as error:
        for problem in error.problems:
            console.print(f"[bold]{problem.code}[/bold]  {problem.says} {problem.mend}", markup=True)
        raise SystemExit(2) from None


def _django() -> Any:
    """The settings, then Django."""
    loaded = _config()
    import django

    from closeknit.web.reporter import configure_logging

    try:
        django.setup()
    except OSError as error:
        _say_and_end("no-folder", f"The data folder cannot be written to: {error.strerror}.")
    configure_logging()
    return loaded


@click.group()
@click.version_option(__version__, prog_name="closeknit")
def main() -> None:
    """A private place where people who matter to each other practise emotional intimacy."""


def _say_and_end(code: str, says: str) -> NoReturn:
    console.print(f"[bold]{code}[/bold]  {says}")
    raise SystemExit(2)


def _prepare(data: Path) -> None:
    """Folder, tables, static files; with a line for each, since the first start takes a few seconds."""
    from django.db import InterfaceError, OperationalError

    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(data):
            _prepare_alone()
    except (OperationalError, InterfaceError, sqlite3.OperationalError) as error:
        # The server's own words may hold addresses and names; the kind of error is enough to go by.
        mend = "See that it runs, that its disk has room and can be written to; `closeknit doctor` looks closer."
        _say_and_end("no-database", f"The database does not answer ({type(error).__name__}). {mend}")
    except OSError as error:
        _say_and_end("no-folder", f"The data folder cannot be written to: {error.strerror}.")


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
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Looking at the database", total=3)
        executor = MigrationExecutor(connection)
        known, ours = set(executor.loader.disk_migrations), _our_apps()
        if any(key[0] in ours and key not in known for key in executor.loader.applied_migrations):
            _say_and_end("newer-database", "This data was written by a newer Closeknit. Install that one.")
        progress.advance(task)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            progress.update(task, description="Making the tables")
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


def _serve(loaded: Any, address: str, *, worker: bool = True) -> None:
    import uvicorn

    from closeknit.web import live
    from closeknit.web.asgi import application

    server_config = uvicorn.Config(
        application,
        host=loaded.host,
        port=loaded.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=4,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
        proxy_headers=bool(loaded.trusted_proxies),
        forwarded_allow_ips=loaded.trusted_proxies or None,
        lifespan="on",
    )
    server = uvicorn.Server(server_config)
    stop = threading.Event()

    def end_streams() -> None:
        # Streams never end by themselves, and a graceful shutdown waits for them: end them as soon as it begins.
        while not stop.wait(0.1):
            if server.should_exit:
                loop = live.hub.loop
                if loop is not None and not loop.is_closed():
                    loop.call_soon_threadsafe(live.hub.stop)
                return

    threading.Thread(target=end_streams, daemon=True).start()
    consumer = _consumer() if worker else None
    click.echo(address)
    sys.stdout.flush()
    try:
        server.run()
    finally:
        stop.set()
        if consumer is not None:
            consumer.stop(graceful=False)
    if not server.started:
        raise SystemExit(1)


def _consumer() -> Any:
    """The job runner inside the web process, on threads. Several processes may run one: jobs are taken once each."""
    from huey.consumer import Consumer

    from closeknit.web.tasks import huey

    class Quiet(Consumer):  # type: ignore[misc]
        def _set_signal_handlers(self) -> None:
            """The web server has them."""

    consumer = Quiet(huey, workers=1, periodic=True, max_delay=10.0, check_worker_health=False)
    consumer.start()
    return consumer


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder for everything that is kept.")
def serve(host: str | None, port: int | None, data: Path | None) -> None:
    """Serve Closeknit. Makes what is missing, prints one address."""
    _environment(host=host, port=port, data=data.resolve() if data else None)
    loaded = _django()
    _prepare(loaded.data)
    from closeknit.web.sealed import journal

    journal.flush()
    _serve(loaded, f"Closeknit is at {loaded.origin}/")


@main.command()
def worker() -> None:
    """Run jobs alone, beside several web processes."""
    _environment()
    _django()
    consumer = _consumer()
    click.echo("Closeknit's worker is running.")
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    done.wait()
    consumer.stop(graceful=True)


@main.command()
@click.option("--port", type=int, default=8041, show_default=True)
def demo(port: int) -> None:
    """Two sample members and months of shared life, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="closeknit-demo-") as folder:
        _environment(host="127.0.0.1", port=port, data=folder, url=f"http://demo.localhost:{port}", demo="true")
        loaded = _django()
        _prepare(loaded.data)
        from closeknit.web.demo.build import build

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("Writing seven months of letters", total=None)
            build(progress=lambda done, total: progress.update(task, completed=done, total=total))
        _serve(loaded, f"The demo is at {loaded.origin}/")


@contextmanager
def _steps() -> Iterator[Step]:
    """Progress on the terminal, one line for each thing that is being done; BackupError said plainly."""
    from closeknit.web.backup import BackupError

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            tasks: dict[str, TaskID] = {}

            def step(text: str, done: int, total: int | None) -> None:
                if text not in tasks:
                    tasks[text] = progress.add_task(text, total=total)
                progress.update(tasks[text], completed=done, total=total)

            yield step
    except BackupError as error:
        console.print(f"[bold]{escape(error.says)}[/bold] {escape(error.mend)}")
        raise SystemExit(2) from None
    except OSError as error:
        console.print(f"[bold]A file could not be read or written:[/bold] {escape(str(error.strerror))}")
        raise SystemExit(2) from None


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of what is kept.")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Folder for backups.  [data/backups]")
@click.option("--keep-days", type=click.IntRange(1), default=30, show_default=True, help="Delete older ones there.")
@click.option("--check", is_flag=True, help="Restore it somewhere else, look at everything, clean up. Or FILE, if given.")
def backup(file: Path | None, data: Path | None, to: Path | None, keep_days: int, check: bool) -> None:
    """Make a backup while people write; or, with --check FILE, look at one."""
    if file is not None and not check:
        raise click.UsageError("A file is given to be checked: add --check.")
    _environment(data=data.resolve() if data else None)
    from closeknit.web import backup as backups

    with _steps() as step:
        if file is None:
            backups.look_before_making(_config())
        loaded = _django()
        if file is None:
            made = backups.make(loaded, to=to.resolve() if to else None, keep_days=keep_days, step=step)
            file = made.path
            click.echo(f"{made.path}: {made.rows} rows, {made.size / 1024**2:.1f} MiB.")
            if made.gone:
                click.echo(f"Deleted {made.gone} that were older than {keep_days} days.")
        manifest, problems = backups.check(file, loaded, step) if check else (None, [])
    for problem in problems:
        console.print(problem, markup=False)
    if problems:
        console.print("[bold]Do not rely on this backup.[/bold] Make a new one, and keep the older ones meanwhile.")
        raise SystemExit(1)
    if manifest is not None:
        says = f"taken {manifest.taken_at:%Y-%m-%d %H:%M} UTC by Closeknit {manifest.version}"
        click.echo(f"Checked: {says}; whole, complete, and everything in it sealed.")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="An empty folder to restore into.")
@click.option(
    "--journal",
    "journals",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The journal.jsonl that lay beside the database that was lost. May be given more than once.",
)
def restore(file: Path, data: Path | None, journals: tuple[Path, ...]) -> None:
    """Bring a backup back into an empty folder or database, without what was removed since."""
    _environment(data=data.resolve() if data else None)
    from closeknit.web import backup as backups

    with _steps() as step:
        backups.look_before_restoring(file, _config(), step)
        done = backups.restore(file, _django(), journals, step)
    for line in done.lines():
        click.echo(line)


@main.command()
@click.option("--online", is_flag=True, help="Also ask our own public address, and read its certificate.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def doctor(online: bool, as_json: bool) -> None:
    """Say what is wrong, or unwise, about this installation, and what to do about it."""
    import json

    from rich import box
    from rich.table import Column, Table

    from closeknit.web.doctor import examine

    _environment()
    rows = examine(os.environ, online=online)
    fine = all(row.state != "bad" for row in rows)
    if as_json:
        click.echo(json.dumps({"fine": fine, "rows": [row._asdict() for row in rows]}, ensure_ascii=False, indent=1))
    else:
        table = Table(*(Column(title, overflow="fold") for title in ("", "What", "Found", "To do")), box=box.SIMPLE_HEAD)
        for row in rows:
            table.add_row(row.state, row.code, row.says, row.mend)
        Console(highlight=False, markup=False).print(table)
    raise SystemExit(0 if fine else 1)


@main.group()
def content() -> None:
    """Content packs."""


@content.command("check")
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print problems and counts as JSON.")
def content_check(path: Path | None, as_json: bool) -> None:
    """Check the packs of a folder, or our own: names file, line and mend of each problem."""
    from closeknit.method.alone import check_questions
    from closeknit.method.content import check, merged
    from closeknit.method.feelings import check_feelings
    from closeknit.method.library import check_library
    from closeknit.method.scripts import check_scripts
    from closeknit.web.content import check_coach, content_root

    root = path or content_root()
    checks = (check, check_scripts, check_coach, check_library, check_feelings, check_questions)
    report = merged(*(one(root) for one in checks))
    if as_json:
        click.echo(report.as_json())
    else:
        for problem in report.problems:
            click.echo(f"{problem.file}:{problem.line}: {problem.code}: {problem.message} {problem.mend}")
        click.echo(", ".join(f"{count} {kind}" for kind, count in report.counts.items()))
    raise SystemExit(1 if report.problems else 0)


@content.command("counts")
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print tables and gaps as JSON.")
def content_counts(path: Path | None, as_json: bool) -> None:
    """Count what there is by component, practice, depth, kind of bond and language, and name what is thin."""
    from closeknit.method import counts
    from closeknit.method.content import BrokenPack
    from closeknit.web.content import content_root

    try:
        found = counts.counted(path or content_root())
    except BrokenPack as error:
        raise click.ClickException(f"{error}. `closeknit content check` says what to do.") from None
    if as_json:
        click.echo(counts.as_json(found))
        return
    for one in found:
        for table in one.tables:
            _print_counts(f"{one.language} · {table.title}", table)
        click.echo(f"{one.language} · gaps" if one.gaps else f"{one.language}: no gaps")
        for gap in one.gaps:
            click.echo(f"  {gap}")


def _print_counts(title: str, counts: Any) -> None:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for number, column in enumerate(("", *counts.columns)):
        table.add_column(column, justify="right" if number else "left")
    for name, numbers in counts.rows:
        table.add_row(name, *map(str, numbers))
    Console(highlight=False, markup=False).print(table)


@main.group()
def coach() -> None:
    """What the coach reads in a text. It works on this machine and keeps nothing."""


@coach.command("read")
@click.option("--jsonl", is_flag=True, required=True, help="One object a line in, one a line out; the only form so far.")
@click.option("--model", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Another model.")
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Processor cores to take.")
def coach_read(jsonl: bool, folder: Path | None, threads: int) -> None:
    """Read {"id", "text", "reply_to"} from standard input, write {"id", "reading", "tips"}: as they come, in order."""
    from closeknit.coach.books import load_tips
    from closeknit.coach.lines import answer
    from closeknit.coach.reader import PACKAGED, ModelError, Reader
    from closeknit.coach.tips import Situation, feedback
    from closeknit.web.content import content_root

    try:
        reader = Reader(folder or PACKAGED, threads=threads)
    except ModelError as error:
        _say_and_end("no-model", f"{error}.")
    book = load_tips(content_root())

    def tips(text: str, reading: Any, about: Any) -> list[dict[str, Any]]:
        situation = Situation.PROMPT if about is None else Situation.RESPOND
        return [tip.as_json() for tip in feedback(reading, situation, book, text, about=about)]

    asked = io.TextIOWrapper(sys.stdin.buffer, "utf-8", errors="replace")
    try:
        for line in answer(asked, reader.read_all, tips):
            sys.stdout.buffer.write(f"{line}\n".encode("utf-8", "backslashreplace"))
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Whoever read has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@main.group()
def dialogue() -> None:
    """Guided conversations."""


@dialogue.command("preview")
@click.argument("script_id", metavar="ID")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write it.  [ID.svg]")
@click.option("--content", "root", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder of packs.")
@click.option("--language", default="en", show_default=True)
def dialogue_preview(script_id: str, out: Path | None, root: Path | None, language: str) -> None:
    """Draw a guided conversation as a picture: its stages in order, who acts, and where each leads."""
    from closeknit.method.content import BrokenPack
    from closeknit.method.picture import draw
    from closeknit.method.scripts import load_scripts
    from closeknit.web.content import content_root

    try:
        scripts = load_scripts(root or content_root(), language)
    except BrokenPack as error:
        raise click.ClickException(f"{error} {error.problem.mend}") from None
    if script_id not in scripts:
        known = ", ".join(scripts) or "none at all"
        raise click.ClickException(f"There is no conversation called {script_id!r}. There are: {known}.")
    out = out or Path(f"{script_id}.svg")
    try:
        out.write_text(draw(scripts[script_id]), "utf-8")
    except ValueError as error:
        raise click.ClickException(f"{script_id}: {error}. `closeknit content check` says where.") from None
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from None
    click.echo(f"{out}: {scripts[script_id].title}.")


@main.command()
def invite() -> None:
    """Print a one-time link with which someone can make an account here."""
    _environment()
    loaded = _django()
    import uuid

    from django.core import signing

    token = signing.dumps(str(uuid.uuid4()), salt="closeknit.host-link")
    click.echo(f"{loaded.origin}/start/{token}/")


@main.command()
@click.argument("name")
def host(name: str) -> None:
    """Move the host's mark to this member, so that their bonds can say so."""
    _environment()
    _django()
    from django.db import transaction

    from closeknit.web.members.models import Member

    member = Member.objects.filter(username__iexact=name).first()
    if member is None:
        raise click.ClickException("Nobody signs in with that name.")
    with transaction.atomic():
        Member.objects.filter(is_host=True).update(is_host=False)
        Member.objects.filter(pk=member.pk).update(is_host=True)
    click.echo("Done.")


if __name__ == "__main__":
    main()
