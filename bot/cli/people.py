"""Commands about people: invites, treatments, the caseload, and who is on call."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import click

from bot.cli.endings import ExitCode, Refused
from bot.cli.opening import open_clinic
from bot.cli.wall_clock import local_time
from bot.content import Content
from bot.flows.clinic import Clinic
from bot.settings import load_settings
from storage.tables import Role


def add_to(group: click.Group) -> None:
    for each in (invite, treat, patients, rota, drill):
        group.add_command(each)


def site_of(content: Content, site: str | None) -> str:
    """Return the site meant: the one named, or the only one there is."""
    if site is None and len(content.sites) == 1:
        return next(iter(content.sites))
    if site is None or site not in content.sites:
        named = f"{site}: there is no such site" if site else "which site?"
        raise Refused(f"{named}; there are {', '.join(sorted(content.sites))} (--site)")
    return site


@click.group()
def invite() -> None:
    """Make the one-time link that lets somebody in."""


@invite.command("patient")
@click.option("--site")
@click.option("--language", default="en", show_default=True)
@click.option("--zone", default="", help="The patient's time zone; the site's when left out.")
@click.option("--protocol", default="", help="The schedule of check-ins; the first one when left out.")
def invite_patient(site: str | None, language: str, zone: str, protocol: str) -> None:
    """Enrol a patient under a new code and print their link."""
    from bot.flows import invites

    with open_clinic() as (clinic, clock):
        place = site_of(clinic.content, site)
        known("language", language, clinic.content.languages)
        known("zone", zone, available_timezones())
        known("protocol", protocol, clinic.content.protocols)
        made = clinic.db.run(
            lambda tx: invites.invite_patient(
                clinic, tx, place, "cli", clock(), language=language, zone=zone, protocol=protocol
            )
        )
    click.echo(f"{made.patient_code}: {made.link or '/start ' + made.code}")
    click.echo(f"for one person, once, until {made.expires_at:%Y-%m-%d %H:%M} UTC")


def known(what: str, value: str, values: Collection[str]) -> None:
    if value and value not in values:
        raise Refused(f"{what}: {value!r} is not known; the content has {_some(values)}")


def _some(values: Collection[str]) -> str:
    names = sorted(values)
    return ", ".join(names if len(names) < 20 else [*names[:5], "..."])


@invite.command("staff")
@click.option("--name", required=True, help="As colleagues will see it.")
@click.option("--role", type=click.Choice([each.value for each in Role]), required=True)
@click.option("--site")
def invite_staff(name: str, role: str, site: str | None) -> None:
    """Print the link by which a member of staff joins."""
    from bot.flows import invites

    with open_clinic() as (clinic, clock):
        place = site_of(clinic.content, site)
        made = clinic.db.run(
            lambda tx: invites.invite_staff(clinic, tx, place, "cli", clock(), role=role, name=name)
        )
    click.echo(made.link or f"/start {made.code}")
    click.echo(f"for one person, once, until {made.expires_at:%Y-%m-%d %H:%M} UTC")


@click.command()
@click.argument("code")
@click.option(
    "--at",
    "at",
    metavar="'YYYY-MM-DD HH:MM'",
    help="When it ended, in the patient's time; now when left out.",
)
@click.option("--protocol", help="Another schedule than the patient's own.")
@click.option("--home/--clinic", "at_home", default=None, help="Taken at home, or given at the clinic.")
@click.option("--increased", is_flag=True, help="Higher than the dose before: a home check follows.")
def treat(code: str, at: str | None, protocol: str | None, at_home: bool | None, increased: bool) -> None:
    """Record that a patient was treated, and plan the check-ins that follow."""
    from bot.flows.treatments import NoPatient, record_treatment

    with open_clinic() as (clinic, clock):
        now = clock()
        known("protocol", protocol or "", clinic.content.protocols)
        ended_at = _in_zone(local_time(at), _zone_of(clinic, code)) if at else now
        try:
            recorded = record_treatment(
                clinic, code, ended_at, "cli", now, protocol=protocol, at_home=at_home, increased=increased
            )
        except NoPatient:
            raise Refused(f"{code}: no patient has this code; list them with: aftercare patients") from None
    told = "was recorded before" if recorded.known else "recorded"
    click.echo(
        f"{code}: treatment of {ended_at:%Y-%m-%d %H:%M} UTC {told}; {recorded.planned} check-ins to come"
    )


def _zone_of(clinic: Clinic, code: str) -> str:
    from storage import patients as remembered

    with clinic.db.reading() as tx:
        patient = remembered.by_code(tx, code)
    return patient.zone if patient else "UTC"


def _in_zone(local: datetime, zone: str) -> datetime:
    """Return the instant of a wall clock time; one that does not exist or exists twice is refused."""
    place = ZoneInfo(zone)
    first = local.replace(tzinfo=place).astimezone(UTC)
    second = local.replace(tzinfo=place, fold=1).astimezone(UTC)
    if first.astimezone(place).replace(tzinfo=None) != local:
        raise Refused(
            f"{local:%Y-%m-%d %H:%M} does not exist in {zone}: the clocks go forward; give another time"
        )
    if first != second:
        raise Refused(
            f"{local:%Y-%m-%d %H:%M} exists twice in {zone}: the clocks go back; give a time outside it"
        )
    return first


@click.command()
@click.option("--site")
@click.option("--json", "as_json", is_flag=True)
def patients(site: str | None, as_json: bool) -> None:
    """The caseload: who is due, silent, worsening, and what is open."""
    from bot.flows.caseload import as_table, caseload

    with open_clinic() as (clinic, clock):
        entries = caseload(clinic, site_of(clinic.content, site), clock())
    if not entries:
        raise Refused(
            "nobody is in follow-up; whoever is invited is listed once they have agreed",
            ExitCode.NOTHING_TO_DO,
        )
    click.echo(json.dumps([each.as_json() for each in entries]) if as_json else as_table(entries))


@click.group()
def rota() -> None:
    """Who is on call."""


@rota.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--tier", type=click.IntRange(1, 3), default=1, show_default=True, help="1 first, 2 backup, 3 lead."
)
@click.option("--site")
def rota_import(file: Path, tier: int, site: str | None) -> None:
    """Read shifts from an iCalendar file; the last good rota stays when it cannot be read."""
    from bot.rota import RotaRefused, import_calendar

    aliases = load_settings(needs_token=False).rota_aliases
    with open_clinic() as (clinic, clock):
        try:
            place = site_of(clinic.content, site)
            report = import_calendar(clinic, file, place, tier, clock(), aliases=aliases)
        except RotaRefused as refusal:
            raise Refused(str(refusal)) from None
    for line in report.lines():
        click.echo(line)


@rota.command("check")
@click.option("--site")
@click.option("--json", "as_json", is_flag=True)
def rota_check(site: str | None, as_json: bool) -> None:
    """Gaps, people who cannot be reached, the same person in every tier; 14 days ahead."""
    from bot.flows.rota import check

    with open_clinic() as (clinic, clock):
        result = check(clinic, site_of(clinic.content, site), clock())
    click.echo(json.dumps(result.as_json()) if as_json else "\n".join(result.lines()))
    if not result.somebody_now:
        raise Refused("nobody is on call now", ExitCode.NOBODY_ON_CALL)


@click.command()
@click.option("--site")
def drill(site: str | None) -> None:
    """Send a marked test page to whoever is on call, through every channel they have."""
    from bot.flows.act import Act
    from bot.flows.drills import start

    with open_clinic() as (clinic, clock):
        place, now = site_of(clinic.content, site), clock()
        sent = clinic.db.run(lambda tx: start(Act(clinic, tx, now), place, by="cli"))
    if not sent:
        raise Refused("nobody is on call now, so nobody was paged", ExitCode.NOBODY_ON_CALL)
    click.echo(
        f"{sent} test pages queued; the running bot sends them. The answer is in /week and aftercare doctor"
    )
