"""`content`, `dialogue`: for whoever writes packs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from .ground import main


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
    from closeknit.method.meaning import check_meaning
    from closeknit.method.scripts import check_scripts
    from closeknit.web.content import check_coach, check_order, content_root

    root = path or content_root()
    checks = (check, check_scripts, check_coach, check_library, check_feelings, check_questions, check_meaning, check_order)
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
