"""Commands for the people who own the words, schedules and rules."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import click

from bot.care.burden import Burden
from bot.cli.endings import ExitCode, Refused
from bot.cli.opening import open_clinic
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
@click.option("--raised", "raised_on", type=int, multiple=True, metavar="DAY", help="A day of a raised dose.")
@click.option("--json", "as_json", is_flag=True)
def protocol_show(name: str, treated: str, zone: str, raised_on: tuple[int, ...], as_json: bool) -> None:
    """Print the calendar a patient will live through, with questions per week."""
    from bot.content import calendar

    loaded = load_content()
    if name not in loaded.protocols:
        raise Refused(f"{name!r} is no protocol; there are {', '.join(sorted(loaded.protocols))}")
    if zone not in available_timezones():
        raise Refused(f"{zone!r} is no time zone; write it as in America/Chicago or Europe/Madrid")
    if strange := sorted(set(raised_on) - set(loaded.protocols[name].typical_days)):
        raise Refused(f"{strange[0]} is no treatment day of {name}; 0 is the day of the first treatment")
    asked = (name, local_time(treated), ZoneInfo(zone), loaded)
    if as_json:
        click.echo(json.dumps(calendar.as_json(*asked, raised_on=raised_on)))
    else:
        click.echo(calendar.show(*asked, raised_on=raised_on))


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
    from bot.questionnaire import import_file, import_questionnaire

    languages = tuple(load_content().languages)
    if out is None:
        supplied = [(each.name, each.read_text("utf-8-sig", "replace")) for each in valuesets]
        text = file.read_text("utf-8-sig", "replace")
        imported = import_questionnaire(text, supplied, file=file.name, languages=languages)
        click.echo(imported.toml_text)
    else:
        written, imported = import_file(file, valuesets, out, languages)
        click.echo(f"{written}: written. Check it with: aftercare content check")
    for note in imported.notes:
        click.echo(f"not carried: {note}", err=True)


@instrument.command("export")
@click.argument("name")
def instrument_export(name: str) -> None:
    """Print an instrument as a FHIR R4 Questionnaire."""
    from bot.questionnaire import export_questionnaire

    loaded = load_content()
    if name not in loaded.instruments:
        raise Refused(f"{name!r} is no instrument; there are {', '.join(sorted(loaded.instruments))}")
    click.echo(export_questionnaire(name, loaded))


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


Day = click.DateTime(["%Y-%m-%d"])


@rules.command("backtest")
@click.option("--from", "start", type=Day, required=True, help="First day (UTC).")
@click.option("--to", "end", type=Day, required=True, help="Last day (UTC), counted in.")
@click.option(
    "--prompts", type=click.Path(path_type=Path), help="The changed content; the one in use when left out."
)
@click.option("--picture", type=click.Path(path_type=Path), help="Write the comparison as a PNG too.")
@click.option("--json", "as_json", is_flag=True)
def rules_backtest(
    start: datetime, end: datetime, prompts: Path | None, picture: Path | None, as_json: bool
) -> None:
    """Run a changed rule set over what was recorded: alerts before and after, new ones and lost ones."""
    from bot.flows.backtest import backtest

    first, last = _span(start, end)
    with open_clinic() as (clinic, clock):
        changed = load_content(prompts) if prompts else clinic.content
        _report(backtest(clinic, changed, first, last, clock(), "cli"), picture, as_json)


@rules.command("shadow")
@click.option("--from", "start", type=Day, required=True, help="First day (UTC).")
@click.option("--to", "end", type=Day, required=True, help="Last day (UTC), counted in.")
@click.option("--picture", type=click.Path(path_type=Path), help="Write the comparison as a PNG too.")
@click.option("--json", "as_json", is_flag=True)
def rules_shadow(start: datetime, end: datetime, picture: Path | None, as_json: bool) -> None:
    """Compare what was paged with what the shadow rule set (setting shadow_dir) found meanwhile."""
    from bot.flows.backtest import shadowed

    first, last = _span(start, end)
    with open_clinic() as (clinic, _):
        _report(shadowed(clinic, first, last), picture, as_json)


def _span(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    if end < start:
        raise Refused(f"--from {start:%Y-%m-%d} is after --to {end:%Y-%m-%d}; turn them round")
    return start.replace(tzinfo=UTC), (end + timedelta(days=1)).replace(tzinfo=UTC)


def _report(burden: Burden, picture: Path | None, as_json: bool) -> None:
    if not burden.patients:
        raise Refused("no patient had consented by then; choose another span", ExitCode.NOTHING_TO_DO)
    if picture is not None:
        from bot.export.burden import burden_picture

        picture.write_bytes(burden_picture(burden))
    click.echo(json.dumps(burden.as_json()) if as_json else "\n".join(burden.lines()))
