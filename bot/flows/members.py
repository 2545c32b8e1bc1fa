"""Who is on the staff: somebody leaves, or gets another role. What they had goes to others at once."""

from __future__ import annotations

from dataclasses import dataclass

from bot.flows import staff_alerts, undelivered
from bot.flows.act import Act
from bot.message import Failure
from storage import alerts, outbox
from storage import staff as people
from storage.tables import Role, Staff


class NotOneMember(Exception):
    """The name fits nobody at the site, or several: those with these ids."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        super().__init__(f"{len(ids)} members fit")
        self.ids = ids


@dataclass(frozen=True)
class Member:
    """A member of staff as a list shows them."""

    id: str
    name: str
    role: str
    channels: tuple[str, ...]

    @property
    def line(self) -> str:
        reached = ", ".join(self.channels) or "no way to be reached"
        return f"{self.id}  {self.role:<11}  {self.name}: {reached}"


def members(act: Act, site_id: str) -> tuple[Member, ...]:
    """Return everybody on the staff of a site, with the channels that may reach them."""
    return tuple(
        Member(each.id, each.name, each.role, tuple(c.channel for c in people.usable_contacts(act.tx, each)))
        for each in people.at_site(act.tx, site_id)
    )


def member(act: Act, site_id: str, name: str) -> Staff:
    """Return the one member of this id or name.

    Raises:
        NotOneMember: there is none, or several.
    """
    fitting = [
        each
        for each in people.at_site(act.tx, site_id)
        if name == each.id or name.casefold().split() == each.name.casefold().split()
    ]
    if len(fitting) != 1:
        raise NotOneMember(tuple(each.id for each in fitting))
    return fitting[0]


def leave(act: Act, staff: Staff, by: str) -> int:
    """Take a member off the staff, from this moment on; return how many alerts others are paged about.

    Nothing that waits is sent to them any more; a page that did is carried by somebody else.
    """
    unsent = outbox.cancel_for_staff(act.tx, staff.id)
    people.leave(act.tx, staff)
    act.record(by, "staff.left", f"staff:{staff.id}", role=staff.role)
    for row in unsent:
        undelivered.failed(act, row, Failure.DEAD_CHANNEL)
    return len({each.alert_id for each in unsent if each.alert_id}) + _let_go(act, staff)


def give_role(act: Act, staff: Staff, role: Role, by: str) -> int:
    """Give a member another role; return how many alerts they had and may not see any more."""
    before, staff.role = staff.role, role
    act.tx.add(staff)
    act.tx.flush()
    act.record(by, "staff.role_changed", f"staff:{staff.id}", before=before, role=role.value)
    return _let_go(act, staff)


def _let_go(act: Act, staff: Staff) -> int:
    """End their claims on what they may not act on now: the next tick pages those on call."""
    held = [each for each in alerts.claimed_by(act.tx, staff.id) if not staff_alerts.may_see(staff, each)]
    for alert in held:
        alerts.change(act.tx, alert, contact="", claim_until=act.now, next_action_at=act.now)
    return len(held)
