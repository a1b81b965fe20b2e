"""What all commands stand on: the group they belong to, the settings, Django, and a plain word before the end."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from closeknit import __version__

console = Console(stderr=True, highlight=False)


@click.group()
@click.version_option(__version__, prog_name="closeknit")
def main() -> None:
    """A private place where people who matter to each other practise emotional intimacy."""


def set_environment(**values: Any) -> None:
    """What was given on the command line, as the settings read it."""
    for name, value in values.items():
        if value is not None:
            os.environ[f"CLOSEKNIT_{name.upper()}"] = str(value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "closeknit.web.settings")


def load_settings() -> Any:
    """The settings; or what is unsafe about them, said plainly."""
    from closeknit.web import config

    try:
        return config.load()
    except config.Unsafe as error:
        for problem in error.problems:
            console.print(f"[bold]{problem.code}[/bold]  {problem.says} {problem.mend}", markup=True)
        raise SystemExit(2) from None


def start_django() -> Any:
    """The settings, then Django."""
    loaded = load_settings()
    import django

    from closeknit.web.reporter import configure_logging

    try:
        django.setup()
    except OSError as error:
        say_and_end("no-folder", f"The data folder cannot be written to: {error.strerror}.")
    configure_logging()
    return loaded


def say_and_end(code: str, says: str) -> NoReturn:
    """One line for whoever started the program, in place of a traceback."""
    console.print(f"[bold]{code}[/bold]  {says}")
    raise SystemExit(2)


def progress_bar() -> Progress:
    """Progress on the terminal, gone once it is done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
