"""`coach`: what the coach reads, outside a page."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import click

from .ground import main, say_and_end


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
        say_and_end("no-model", f"{error}.")
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
