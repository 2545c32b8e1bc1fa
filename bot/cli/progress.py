"""How far something that takes more than a second has come, for a person who is looking."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click


def progress(what: str) -> Callable[[int, int], None] | None:
    """Return what shows steps done of all steps, None when nobody looks at the terminal."""
    if not sys.stderr.isatty():
        return None
    return lambda done, of: show(what, done, of)


def show(what: str, done: int, of: int) -> None:
    """Write over the line with how far it is; the last step ends the line."""
    share = f"{100 * done // of} %" if of else str(done)
    click.echo(f"\r{what}: {share} ", err=True, nl=bool(of) and done >= of)
