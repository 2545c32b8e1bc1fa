"""The outbox: everything sent is a row here first, and `sent` is written only after it was accepted.

A row is leased by one worker at a time. When a lease runs out, nobody knows whether the message
went: those whose loss would be worse than a second copy go again, marked as a repeat; the others
become uncertain and are left alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlmodel import Session, col

from bot.message import Button, ButtonStyle, Outgoing, OutgoingKind
from storage.ids import new_id
from storage.inbox import changed
from storage.leasing import OUTBOX, UNANSWERED, anything_waits, lease
from storage.tables import (
    Alert,
    CheckIn,
    Contact,
    Instant,
    Lane,
    Outbox,
    OutboxKind,
    OutboxState,
    Page,
    PageState,
)
from storage.vault import chat_hash, seal, unseal

__all__ = [
    "UNANSWERED",
    "anything_waits",
    "cancel_for_patient",
    "cancel_pages",
    "count_waiting",
    "lease",
    "mark_failed",
    "mark_sent",
    "mark_uncertain",
    "put",
    "put_back",
    "read_outgoing",
]
NOT_THE_MESSAGE = (OutboxKind.ANSWER, OutboxKind.MENU)  # about a message, and not what it says


def put(
    tx: Session,
    outgoing: Outgoing,
    *,
    kind: OutboxKind,
    now: datetime,
    lane: Lane = Lane.ROUTINE,
    channel: str = "telegram",
    patient_id: str | None = None,
    staff_id: str | None = None,
    alert_id: str | None = None,
    page_id: str | None = None,
    check_in_id: str | None = None,
    edits: str | None = None,
    not_before: datetime | None = None,
) -> Outbox:
    """Queue one message; it goes out after the commit, in order within its chat and lane.

    Its id sorts behind whatever waits for the same chat, also when the clock was set back meanwhile.

    `edits` names the outbox row whose message is changed, for a message whose id is not known
    yet. Only the newest of several edits waiting for one message is sent.
    """
    hashed = chat_hash(tx, outgoing.chat_id) if outgoing.chat_id else ""
    row = Outbox(
        id=new_id(now, _last_waiting(tx, hashed) if hashed else ""),
        lane=lane,
        kind=kind,
        channel=channel,
        patient_id=patient_id,
        staff_id=staff_id,
        alert_id=alert_id,
        page_id=page_id,
        check_in_id=check_in_id,
        edits=edits,
        target_message_id=outgoing.message_id,
        chat_hash=hashed,
        not_before=not_before or now,
        created_at=now,
    )
    seal(tx, row, "payload_sealed", _to_json(outgoing))
    if kind == OutboxKind.EDIT:
        _cancel_older_edits(tx, row)
    tx.add(row)
    tx.flush()
    return row


def _last_waiting(tx: Session, hashed: str) -> str:
    return tx.scalar(_LAST_WAITING, {"chat": hashed}) or ""


_LAST_WAITING = select(func.max(OUTBOX.c.id)).where(
    OUTBOX.c.chat_hash == bindparam("chat"), OUTBOX.c.state.in_(UNANSWERED)
)


def _cancel_older_edits(tx: Session, row: Outbox) -> None:
    same_message = [col(Outbox.edits) == row.edits] if row.edits else []
    if row.target_message_id is not None:
        at_chat = and_(
            col(Outbox.target_message_id) == row.target_message_id, col(Outbox.chat_hash) == row.chat_hash
        )
        same_message.append(at_chat)
    if same_message:
        older = [col(Outbox.kind) == OutboxKind.EDIT, col(Outbox.state) == OutboxState.PENDING]
        tx.execute(update(Outbox).where(*older, or_(*same_message)).values(state=OutboxState.CANCELLED))


def read_outgoing(tx: Session, row: Outbox) -> Outgoing:
    """Return the message as it was put; an edit of a queued message gets that message's id.

    Raises:
        Erased: the patient it was for has been erased.
    """
    text = unseal(tx, row, "payload_sealed")
    if text is None:
        raise ValueError(f"outbox row {row.id} has no message any more")
    message_id = row.target_message_id
    if row.edits and message_id is None:
        message_id = tx.scalar(select(col(Outbox.message_id)).where(col(Outbox.id) == row.edits))
    return _from_json(text, message_id)


def shown(tx: Session, chat_id: int, message_id: int, channel: str = "telegram") -> Outgoing | None:
    """Return what a message in a chat says now, None when that is not known any more."""
    this_chat = [col(Outbox.chat_hash) == chat_hash(tx, chat_id), col(Outbox.channel) == channel]
    first = select(col(Outbox.id)).where(*this_chat, col(Outbox.message_id) == message_id)
    about_it = or_(
        col(Outbox.message_id) == message_id,
        col(Outbox.target_message_id) == message_id,
        col(Outbox.edits).in_(first),
    )
    written = [col(Outbox.payload_sealed).is_not(None), col(Outbox.kind).not_in(NOT_THE_MESSAGE)]
    newest = select(Outbox).where(*this_chat, about_it, *written).order_by(col(Outbox.id).desc()).limit(1)
    row = tx.scalars(newest).first()
    return read_outgoing(tx, row) if row is not None else None


def mark_sent(tx: Session, row_id: str, owner: str, message_id: int | None, now: datetime) -> bool:
    """Note that the provider accepted; also on the page, alert, contact or check-in it was for.

    False: the lease is no longer `owner`'s, and nothing changed.
    """
    row = tx.execute(
        _SENT, {"row_id": row_id, "owner": owner, "sent_message_id": message_id, "now": now}
    ).first()
    if row is None:
        return False
    if row.page_id is not None:
        _page_sent(tx, row.page_id, now)
    if row.check_in_id is not None and row.kind == OutboxKind.CARD:
        unsent = (col(CheckIn.id) == row.check_in_id, col(CheckIn.sent_at).is_(None))
        tx.execute(update(CheckIn).where(*unsent).values(sent_at=now))
    return True


_SENT = (
    update(OUTBOX)
    .where(
        OUTBOX.c.id == bindparam("row_id"),
        OUTBOX.c.lease_owner == bindparam("owner"),
        OUTBOX.c.state.in_((OutboxState.SENDING, OutboxState.UNCERTAIN)),
    )
    .values(
        state=OutboxState.SENT,
        message_id=bindparam("sent_message_id"),
        sent_at=bindparam("now", type_=Instant()),
        error="",
    )
    .returning(OUTBOX.c.page_id, OUTBOX.c.check_in_id, OUTBOX.c.kind)
)


def _page_sent(tx: Session, page_id: str, now: datetime) -> None:
    pending = (col(Page.id) == page_id, col(Page.state) == PageState.PENDING)
    tx.execute(update(Page).where(*pending).values(state=PageState.SENT, sent_at=now))
    of_page = select(col(Page.alert_id)).where(col(Page.id) == page_id).scalar_subquery()
    tx.execute(
        update(Alert).where(col(Alert.id) == of_page, col(Alert.paged_at).is_(None)).values(paged_at=now)
    )
    contact = select(col(Page.contact_id)).where(col(Page.id) == page_id).scalar_subquery()
    tx.execute(update(Contact).where(col(Contact.id) == contact).values(last_success_at=now))


def put_back(
    tx: Session, row_id: str, owner: str, not_before: datetime, error: str, repeat: bool = False
) -> bool:
    """Give a leased message back, to be tried from `not_before` on. False: the lease was not `owner`'s."""
    values = {"state": OutboxState.PENDING, "not_before": not_before, "error": error, "lease_owner": ""}
    if repeat:
        values["repeat"] = True
    return _finish(tx, row_id, owner, held=(OutboxState.SENDING,), **values) is not None


def mark_failed(tx: Session, row_id: str, owner: str, error: str, now: datetime) -> Outbox | None:
    """Note that a message can never be sent, on its page too. None: the lease was not `owner`'s."""
    row = _finish(tx, row_id, owner, state=OutboxState.FAILED, error=error)
    if row is not None and row.page_id is not None:
        pending = (col(Page.id) == row.page_id, col(Page.state) == PageState.PENDING)
        tx.execute(update(Page).where(*pending).values(state=PageState.FAILED))
    return row


def mark_uncertain(tx: Session, row_id: str, owner: str, error: str, now: datetime) -> bool:
    """Note that a message may have been sent and must not go again. False: the lease was not `owner`'s."""
    return _finish(tx, row_id, owner, state=OutboxState.UNCERTAIN, error=error) is not None


def _finish(
    tx: Session,
    row_id: str,
    owner: str,
    held: Collection[OutboxState] = (OutboxState.SENDING, OutboxState.UNCERTAIN),
    **values: Any,
) -> Outbox | None:
    ours = (col(Outbox.id) == row_id, col(Outbox.lease_owner) == owner, col(Outbox.state).in_(held))
    statement = update(Outbox).where(*ours).values(**values).returning(Outbox)
    return tx.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def count_waiting(tx: Session, kinds: Collection[OutboxKind], now: datetime, most: int) -> int:
    """Return how many routine messages of some kinds could go now and have not; counts up to `most`."""
    waiting = (
        select(col(Outbox.id))
        .where(col(Outbox.state) == OutboxState.PENDING, col(Outbox.lane) == Lane.ROUTINE)
        .where(col(Outbox.kind).in_(kinds), col(Outbox.not_before) <= now)
        .limit(most)
    )
    return tx.scalar(select(func.count()).select_from(waiting.subquery())) or 0


def cancel_for_patient(tx: Session, patient_id: str, now: datetime, keep: Collection[OutboxKind] = ()) -> int:
    """Cancel what is queued to a patient, except kinds in `keep`; return how many.

    What is just being sent becomes uncertain, so that it is never sent a second time. Pages and
    anything else addressed to staff stay: a person who leaves may still need help.
    """
    theirs = (
        col(Outbox.patient_id) == patient_id,
        col(Outbox.staff_id).is_(None),
        col(Outbox.page_id).is_(None),
        col(Outbox.kind).not_in([OutboxKind.PAGE, *keep]),
    )
    on_its_way = update(Outbox).where(*theirs, col(Outbox.state) == OutboxState.SENDING)
    tx.execute(on_its_way.values(state=OutboxState.UNCERTAIN))
    waiting = update(Outbox).where(*theirs, col(Outbox.state) == OutboxState.PENDING)
    return changed(tx, waiting.values(state=OutboxState.CANCELLED))


def cancel(tx: Session, row_id: str) -> None:
    """Cancel one message that waits, because its time is over."""
    waiting = (col(Outbox.id) == row_id, col(Outbox.state) == OutboxState.PENDING)
    tx.execute(update(Outbox).where(*waiting).values(state=OutboxState.CANCELLED))


def cancel_for_staff(tx: Session, staff_id: str) -> list[Outbox]:
    """Cancel what is queued to a member of staff; return the pages among it, which others must get."""
    waiting = update(Outbox).where(col(Outbox.staff_id) == staff_id, col(Outbox.state) == OutboxState.PENDING)
    cancelled = tx.scalars(waiting.values(state=OutboxState.CANCELLED).returning(Outbox)).all()
    pages = [each for each in cancelled if each.kind == OutboxKind.PAGE]
    carried = (col(Page.id).in_([each.page_id for each in pages]), col(Page.state) == PageState.PENDING)
    tx.execute(update(Page).where(*carried).values(state=PageState.FAILED))
    return pages


def cancel_pages(tx: Session, alert_id: str, now: datetime) -> int:
    """Cancel pages of an alert that were not sent yet, because somebody has it; return how many."""
    pages = update(Page).where(col(Page.alert_id) == alert_id, col(Page.state) == PageState.PENDING)
    waiting = update(Outbox).where(
        col(Outbox.alert_id) == alert_id,
        col(Outbox.kind) == OutboxKind.PAGE,
        col(Outbox.state) == OutboxState.PENDING,
    )
    cancelled = changed(tx, waiting.values(state=OutboxState.CANCELLED))
    still_going = select(col(Outbox.page_id)).where(
        col(Outbox.alert_id) == alert_id,
        col(Outbox.state) == OutboxState.SENDING,
        col(Outbox.page_id).is_not(None),
    )
    tx.execute(pages.where(col(Page.id).not_in(still_going)).values(state=PageState.CANCELLED))
    return cancelled


def _to_json(outgoing: Outgoing) -> str:
    plain = asdict(outgoing)
    plain["file_bytes"] = base64.b64encode(outgoing.file_bytes).decode()
    return json.dumps(plain)


def _from_json(text: str, message_id: int | None) -> Outgoing:
    plain = json.loads(text)
    plain["kind"] = OutgoingKind(plain["kind"])
    plain["buttons"] = tuple(tuple(_button(each) for each in line) for line in plain["buttons"])
    plain["commands"] = tuple((name, what) for name, what in plain["commands"])
    plain["file_bytes"] = base64.b64decode(plain["file_bytes"])
    plain["message_id"] = message_id if message_id is not None else plain["message_id"]
    return Outgoing(**plain)


def _button(plain: dict[str, str]) -> Button:
    return Button(plain["text"], plain["data"], ButtonStyle(plain["style"]))


def end_all_leases(tx: Session, now: datetime) -> None:
    """Let every lease be over now: whoever held one is known to be gone."""
    held = col(Outbox.state) == OutboxState.SENDING
    tx.execute(update(Outbox).where(held).values(lease_until=now))
