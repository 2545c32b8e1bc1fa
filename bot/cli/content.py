"""Commands for the people who own the words, schedules and rules."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import available_timezones

import click

from bot.cli.endings import Refused
from bot.cli.wall_clock import local_time
from bot.content import load_content


def add_to(group: click.Group) -> None:
    for each in (content, protocol, instrument, triage, rules):
        group.add_command(each)


@click.group()
def content() -> None:
    """The clinic's words, schedules and rules in prompts/."""


@content.command("check")
@click.option(
    "--prompts", type=click.Path(path_type=Path), help="Another content folder than the one in use."
)
def content_check(prompts: Path | None) -> None:
    """List every problem with file and line, then a summary a medical director can sign."""
    from bot.content.check import report

    click.echo(report(load_content(prompts), datetime.now(UTC).date()))


@click.group()
def protocol() -> None:
    """The schedules of check-ins."""


@protocol.command("show")
@click.argument("name")
@click.option("--treated", required=True, metavar="'YYYY-MM-DD HH:MM'", help="When the treatment ended.")
@click.option("--zone", required=True, metavar="IANA", help="The patient's time zone: America/Chicago.")
def protocol_show(name: str, treated: str, zone: str) -> None:
    """Print the calendar a patient will live through, with questions per week."""
    from bot.content.calendar import show

    loaded = load_content()
    if name not in loaded.protocols:
        raise Refused(f"{name!r} is no protocol; there are {', '.join(sorted(loaded.protocols))}")
    if zone not in available_timezones():
        raise Refused(f"{zone!r} is no time zone; write it as in America/Chicago or Europe/Madrid")
    click.echo(show(name, local_time(treated), zone, loaded))


@click.group()
def instrument() -> None:
    """Questionnaires from outside."""


@instrument.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--valueset", "valuesets", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the TOML; else printed."
)
def instrument_import(file: Path, valuesets: tuple[Path, ...], out: Path | None) -> None:
    """Turn a FHIR R4 Questionnaire into content, and list what could not be carried."""
    from bot.questionnaire import import_files

    for line in import_files(file, valuesets, out):
        click.echo(line)


@instrument.command("export")
@click.argument("name")
def instrument_export(name: str) -> None:
    """Print an instrument as a FHIR R4 Questionnaire."""
    from bot.questionnaire import export_instrument

    loaded = load_content()
    if name not in loaded.instruments:
        raise Refused(f"{name!r} is no instrument; there are {', '.join(sorted(loaded.instruments))}")
    click.echo(export_instrument(loaded, name))


@click.command()
def triage() -> None:
    """Judge JSON lines {"text", "lang"} from standard input; print {"level", "rules"} lines."""
    from bot.triage import triage as judge

    sys.exit(judge(sys.stdin.buffer, sys.stdout, load_content()))


@click.group()
def rules() -> None:
    """The rules that find the reply that cannot wait."""


@rules.command("explain")
@click.argument("text")
def rules_explain(text: str) -> None:
    """Say what fired, what lowered it and what nearly fired."""
    from bot.triage import explain

    click.echo(explain(text, load_content()))
