"""Staff: who they are, how to reach them, when they are on call, and how they were invited."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from storage.ids import new_id
from storage.tables import Contact, ContactState, Role, Shift, Staff
from storage.vault import chat_hash, seal, unseal

TELEGRAM = "telegram"


def by_chat(tx: Session, chat_id: int) -> Staff | None:
    """Return the active staff member this chat is linked to."""
    wanted = select(Staff).where(col(Staff.chat_hash) == chat_hash(tx, chat_id), col(Staff.active).is_(True))
    return tx.scalars(wanted).first()


def active(tx: Session, staff_id: str | None) -> Staff | None:
    """Return the staff member as the table has them now, None when they left."""
    staff = tx.get(Staff, staff_id, populate_existing=True) if staff_id else None
    return staff if staff is not None and staff.active else None


def at_site(tx: Session, site_id: str, roles: Collection[str] = ()) -> list[Staff]:
    """Return everyone active at the site, of these roles when any are given, in order of joining."""
    wanted = select(Staff).where(col(Staff.site_id) == site_id, col(Staff.active).is_(True))
    if roles:
        wanted = wanted.where(col(Staff.role).in_(list(roles)))
    return list(tx.scalars(wanted.order_by(col(Staff.id))))


def chat_of(tx: Session, staff: Staff) -> int | None:
    chat = unseal(tx, staff, "chat_sealed")
    return int(chat) if chat else None


def add(
    tx: Session,
    site_id: str,
    name: str,
    role: Role,
    now: datetime,
    *,
    language: str = "en",
    zone: str = "UTC",
) -> Staff:
    """Add a staff member who has no chat yet."""
    staff = Staff(
        id=new_id(now), site_id=site_id, name=name, role=role, language=language, zone=zone, created_at=now
    )
    tx.add(staff)
    tx.flush()
    return staff


def link_chat(tx: Session, staff: Staff, chat_id: int, now: datetime) -> None:
    """Tie the member to a chat, which becomes their first way of being reached."""
    seal(tx, staff, "chat_sealed", str(chat_id))
    staff.chat_hash = chat_hash(tx, chat_id)
    if not any(each.channel == TELEGRAM for each in contacts(tx, staff.id)):
        add_contact(tx, staff.id, TELEGRAM, "", now)
    tx.flush()


def leave(tx: Session, staff: Staff) -> None:
    """Take a member off the staff. Their chat is a stranger's from now on, who may join anew."""
    staff.active, staff.step, staff.chat_hash, staff.chat_sealed = False, "", None, None
    tx.add(staff)
    tx.flush()


def contacts(tx: Session, staff_id: str) -> list[Contact]:
    """Return a person's ways of being reached, the first to be tried first."""
    wanted = select(Contact).where(col(Contact.staff_id) == staff_id)
    return list(tx.scalars(wanted.order_by(col(Contact.rank))))


def usable_contacts(tx: Session, staff: Staff) -> list[Contact]:
    """Return the ways that may work: not blocked, and for a chat one that is linked."""
    return [
        each
        for each in contacts(tx, staff.id)
        if each.state != ContactState.BLOCKED and (each.channel != TELEGRAM or staff.chat_hash)
    ]


def add_contact(tx: Session, staff_id: str, channel: str, address: str, now: datetime) -> Contact:
    """Add a way to reach somebody, tried after those already there."""
    highest = tx.scalar(select(func.max(Contact.rank)).where(col(Contact.staff_id) == staff_id))
    contact = Contact(
        id=new_id(now),
        staff_id=staff_id,
        rank=0 if highest is None else highest + 1,
        channel=channel,
        created_at=now,
    )
    if address:
        seal(tx, contact, "address_sealed", address)
    tx.add(contact)
    tx.flush()
    return contact


def reorder(tx: Session, ordered: Sequence[Contact]) -> None:
    """Give contacts the order of the sequence. Ranks are unique, so they are first moved out of the way."""
    for rank, contact in enumerate(ordered):
        contact.rank = -1 - rank
    tx.flush()
    for rank, contact in enumerate(ordered):
        contact.rank = rank
    tx.flush()


def address_of(tx: Session, contact: Contact) -> str:
    return unseal(tx, contact, "address_sealed") or ""


def set_contact_state(tx: Session, contact_id: str, state: ContactState) -> None:
    tx.execute(update(Contact).where(col(Contact.id) == contact_id).values(state=state))


def shifts(tx: Session, site_id: str, start: datetime, end: datetime) -> list[Shift]:
    """Return every shift of the site that touches the time from `start` up to `end`."""
    wanted = select(Shift).where(
        col(Shift.site_id) == site_id, col(Shift.starts_at) < end, col(Shift.ends_at) > start
    )
    return list(tx.scalars(wanted.order_by(col(Shift.starts_at), col(Shift.id))))


def add_shift(
    tx: Session,
    site_id: str,
    *,
    tier: int,
    staff_id: str,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    source: str = "",
    override: bool = False,
    uid: str = "",
) -> Shift:
    shift = Shift(
        id=new_id(now), site_id=site_id, tier=tier, staff_id=staff_id, starts_at=starts_at, ends_at=ends_at,
        source=source, override=override, uid=uid,
    )  # fmt: skip
    tx.add(shift)
    tx.flush()
    return shift


def replace_shifts(tx: Session, site_id: str, source: str, since: datetime) -> None:
    """Remove the shifts an earlier reading of `source` put after `since`; what has begun stays as history."""
    ours = (col(Shift.site_id) == site_id, col(Shift.source) == source)
    tx.execute(delete(Shift).where(*ours, col(Shift.starts_at) >= since))
    tx.execute(update(Shift).where(*ours, col(Shift.ends_at) > since).values(ends_at=since))
