"""How a command ends: one exit code a cause, one line a problem, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import click

from bot.content.source import ContentError
from bot.export.folder import DiskTrouble, ExportRefused, NothingToExport
from bot.flows.erasure import EraseRefused
from bot.settings import SettingsError
from storage.database import StorageError


class ExitCode(IntEnum):
    OK = 0
    BUG = 1
    USAGE = 2
    CONTENT = 3
    STORAGE = 4
    NOTHING_TO_DO = 5
    NOBODY_ON_CALL = 6
    BROKEN_PIPE = 141
    INTERRUPTED = 130


class Refused(Exception):
    """A command cannot do what it was asked. The text is the line the person reads."""

    def __init__(self, line: str, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(line)
        self.line = line
        self.code = code


@dataclass(frozen=True)
class Ending:
    code: int
    lines: tuple[str, ...] = ()


def ending_of(error: BaseException) -> Ending:
    """Return the exit code and the lines for whatever stopped a command."""
    return next((end(error) for kinds, end in ENDINGS if isinstance(error, kinds)), Ending(ExitCode.BUG))


def content_lines(error: ContentError) -> tuple[str, ...]:
    count = len(error.problems)
    return (
        *(str(problem) for problem in error.problems),
        f"{count} problem{'s' if count != 1 else ''}; nothing was started or changed. "
        "Correct them, then run: aftercare content check",
    )


def settings_lines(error: SettingsError) -> tuple[str, ...]:
    count = len(error.problems)
    return (
        *(f"settings: {problem}" for problem in error.problems),
        f"{count} problem{'s' if count != 1 else ''}; nothing was started. Correct them and run it again",
    )


def _usage(error: Any) -> Ending:
    usage = (error.ctx.get_usage(),) if getattr(error, "ctx", None) else ()
    return Ending(ExitCode.USAGE, (*usage, f"aftercare: {error.format_message()}"))


def _said(code: ExitCode) -> Callable[[Any], Ending]:
    return lambda error: Ending(code, (f"aftercare: {error}",))


# The first that fits counts.
ENDINGS: tuple[tuple[tuple[type[BaseException], ...], Callable[[Any], Ending]], ...] = (
    ((SystemExit,), lambda error: Ending(error.code if isinstance(error.code, int) else ExitCode.BUG)),
    ((click.exceptions.NoArgsIsHelpError,), lambda error: Ending(ExitCode.USAGE, (error.format_message(),))),
    ((click.exceptions.Exit,), lambda error: Ending(error.exit_code)),
    ((click.ClickException,), _usage),
    (
        (KeyboardInterrupt, click.Abort),
        lambda _: Ending(ExitCode.INTERRUPTED, ("aftercare: stopped; nothing half-done was kept",)),
    ),
    ((BrokenPipeError,), lambda _: Ending(ExitCode.BROKEN_PIPE)),
    ((Refused,), lambda error: Ending(error.code, (f"aftercare: {error.line}",))),
    ((ContentError,), lambda error: Ending(ExitCode.CONTENT, content_lines(error))),
    ((SettingsError,), lambda error: Ending(ExitCode.USAGE, settings_lines(error))),
    ((StorageError, DiskTrouble), _said(ExitCode.STORAGE)),
    ((NothingToExport,), _said(ExitCode.NOTHING_TO_DO)),
    ((ExportRefused, EraseRefused), _said(ExitCode.USAGE)),
)
