"""`backup`, `restore`, `doctor`: so that nothing is lost, and what is amiss is found."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import TaskID

from .ground import console, load_settings, main, progress_bar, set_environment, start_django

if TYPE_CHECKING:
    from closeknit.web.backup import Step


@contextmanager
def _steps() -> Iterator[Step]:
    """Progress on the terminal, one line for each thing that is being done; BackupError said plainly."""
    from closeknit.web.backup import BackupError

    try:
        with progress_bar() as progress:
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
    set_environment(data=data.resolve() if data else None)
    from closeknit.web import backup as backups

    with _steps() as step:
        if file is None:
            backups.look_before_making(load_settings())
        loaded = start_django()
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
    set_environment(data=data.resolve() if data else None)
    from closeknit.web import backup as backups

    with _steps() as step:
        backups.look_before_restoring(file, load_settings(), step)
        done = backups.restore(file, start_django(), journals, step)
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

    set_environment()
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
