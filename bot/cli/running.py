"""Commands that run something: the bot, the auditor, the demo; and the check before the night."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

import click

from bot.cli.endings import ExitCode, Refused
from bot.cli.opening import open_clinic, open_database
from bot.cli.progress import progress
from bot.settings import load_settings


def add_to(group: click.Group) -> None:
    for each in (init, demo, run, watch, doctor, simulate):
        group.add_command(each)


@click.command()
@click.option("--key-file", type=click.Path(path_type=Path), default="aftercare.key", show_default=True)
def init(key_file: Path) -> None:
    """Make a master key that only you may read, and an empty database."""
    if not key_file.exists():
        key_file.touch(mode=0o600)
        key_file.write_text(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        click.echo(f"{key_file}: a new master key. Without it nothing can be read: keep a copy apart")
    os.environ.setdefault("AFTERCARE_KEY_FILE", str(key_file))
    settings = load_settings(needs_token=False)
    db = open_database(settings, create=True)
    try:
        db.migrate()
    finally:
        db.close()
    click.echo(
        "the database is ready. Next: set AFTERCARE_KEY_FILE and AFTERCARE_TOKEN, then: aftercare doctor"
    )


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), default=".demo", show_default=True
)
def demo(port: int, folder: Path) -> None:
    """Start the sandbox: phones, a clock that moves, the real bot. Prints one address."""
    from bot.sandbox.demo import run_demo

    raise SystemExit(run_demo(folder, port))


@click.command()
def run() -> None:
    """Run the bot until it is told to stop."""
    from bot.app import run as run_bot

    run_bot(load_settings())


@click.command()
@click.option("--once", is_flag=True, help="One round instead of one a minute.")
def watch(once: bool) -> None:
    """Run the auditor: is every promise kept, right now?"""
    from bot.watch import run as run_auditor

    raise SystemExit(run_auditor(load_settings(needs_token=False), once=once))


@click.command()
@click.option("--json", "as_json", is_flag=True)
def doctor(as_json: bool) -> None:
    """Everything that would stop a page tonight."""
    import json

    from bot.flows.doctor import examine

    with open_clinic() as (clinic, clock):
        report = examine(clinic, clock())
    click.echo(json.dumps(report.as_json()) if as_json else "\n".join(report.lines()))
    if report.nobody_on_call:
        raise Refused("nobody is on call", ExitCode.NOBODY_ON_CALL)
    if report.would_stop_a_page:
        raise Refused("a page would not arrive tonight; see above", ExitCode.BUG)


@click.command()
@click.option("--patients", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True)
@click.option("--protocol", default="single_infusion", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def simulate(patients: int, days: int, protocol: str, seed: int, as_json: bool) -> None:
    """Live through D days with N invented patients on a virtual clock: load, burden, alerts."""
    import json

    from bot.content import load_content
    from bot.simulation import simulate as live

    content = load_content()
    if protocol not in content.protocols:
        raise Refused(f"{protocol!r} is no protocol; there are {', '.join(sorted(content.protocols))}")
    result = live(
        content, patients=patients, days=days, protocol=protocol, seed=seed, progress=progress("days")
    )
    click.echo(json.dumps(result.as_json()) if as_json else result.as_text())
