"""The `aftercare` command: names, options and exit codes that clinics script against."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from bot.cli import content, members, people, records, running
from bot.cli.endings import ExitCode, ending_of


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def aftercare() -> None:
    """Follow-up after ketamine treatment: check-ins, and pages that repeat until a human has it."""


for part in (running, people, members, content, records):
    part.add_to(aftercare)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with the exit code its outcome has."""
    try:
        code = aftercare.main(
            args=None if arguments is None else list(arguments), prog_name="aftercare", standalone_mode=False
        )
    except BaseException as error:
        code = _end(error)
    sys.exit(code or 0)


def _end(error: BaseException) -> int:
    ending = ending_of(error)
    for line in ending.lines:
        click.echo(line, err=True)
    if ending.code == ExitCode.BUG:
        click.echo(_bug_line(error), err=True)
    if ending.code == ExitCode.BROKEN_PIPE:
        # The reader has gone; without this, Python complains again while it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ending.code


def _bug_line(error: BaseException) -> str:
    """Name the place of a bug without the error's text, which may hold a patient's words."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "site-packages" not in each.filename]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "an unknown place"
    return f"aftercare: a bug: {type(error).__name__} at {place}. Please report this line."
