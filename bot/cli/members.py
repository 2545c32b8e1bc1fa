"""Commands about the staff: who belongs to it, who leaves, and who may do what."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import click

from bot.cli.endings import ExitCode, Refused
from bot.cli.opening import open_clinic
from bot.cli.people import site_of
from bot.flows.act import Act
from storage.tables import Role, Staff


def add_to(group: click.Group) -> None:
    group.add_command(staff)


@click.group()
def staff() -> None:
    """Who is on the staff."""


@staff.command("list")
@click.option("--site")
@click.option("--json", "as_json", is_flag=True)
def staff_list(site: str | None, as_json: bool) -> None:
    """Everybody on the staff: id, role, name, and how they can be reached."""
    from bot.flows import members

    with open_clinic() as (clinic, clock), clinic.db.reading() as tx:
        found = members.members(Act(clinic, tx, clock()), site_of(clinic.content, site))
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found]))
    elif found:
        click.echo("\n".join(each.line for each in found))
    else:
        raise Refused("nobody has joined yet; aftercare invite staff", ExitCode.NOTHING_TO_DO)


@staff.command("leave")
@click.argument("name")
@click.option("--site")
def staff_leave(name: str, site: str | None) -> None:
    """Take somebody off the staff: no page and no button any more, and others get what they had."""
    from bot.flows import members

    freed, gaps = _changed(name, site, lambda act, who: members.leave(act, who, "cli"))
    click.echo(f"{name} is off the staff; alerts of theirs that go to others now: {freed}")
    for line in gaps:
        click.echo(line)


@staff.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice([each.value for each in Role]))
@click.option("--site")
def staff_role(name: str, role: str, site: str | None) -> None:
    """Give somebody another role; it holds for every button from this moment on."""
    from bot.flows import members

    freed, gaps = _changed(name, site, lambda act, who: members.give_role(act, who, Role(role), "cli"))
    click.echo(f"{name} is {role} now; alerts of theirs that go to others now: {freed}")
    for line in gaps:
        click.echo(line)


def _changed(name: str, site: str | None, change: Callable[[Act, Staff], int]) -> tuple[int, tuple[str, ...]]:
    """Change one member; return what the change freed, and what is wrong with the rota since."""
    from bot.flows import members, rota

    with open_clinic() as (clinic, clock):
        place, now = site_of(clinic.content, site), clock()

        def work(act: Act) -> int:
            return change(act, members.member(act, place, name))

        try:
            freed = clinic.db.run(lambda tx: work(Act(clinic, tx, now)))
        except members.NotOneMember as wrong:
            ids = ", ".join(wrong.ids)
            which = (
                f"several have this name; give one of the ids {ids}" if ids else "nobody here has this name"
            )
            raise Refused(f"{name}: {which}; aftercare staff list") from None
        problems = rota.check(clinic, place, now).problems
    return freed, tuple(each.text for each in problems)
