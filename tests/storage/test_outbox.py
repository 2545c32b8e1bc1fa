"""The outbox: sent once, in order, by one worker; alerts wait for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.message import Button, ButtonStyle, Outgoing, OutgoingKind
from storage import outbox, patients
from storage.database import Database
from storage.tables import (
    Alert,
    CheckIn,
    Contact,
    Lane,
    Outbox,
    OutboxKind,
    OutboxState,
    Page,
    PageState,
    Staff,
)
from storage.vault import Erased, destroy_patient_key
from tests.storage.test_constraints import LEGAL, add, fill

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def put(
    db: Database, text: str = "hello", chat: int = 7, kind: OutboxKind = OutboxKind.NOTICE, **more
) -> str:
    with db.transaction() as tx:
        outgoing = Outgoing(OutgoingKind.MESSAGE, chat, text, message_id=more.pop("message_id", None))
        return outbox.put(tx, outgoing, kind=kind, now=more.pop("now", NOW), **more).id


def lease(
    db: Database, owner: str = "one", now: datetime = NOW, lane: Lane = Lane.ROUTINE, **more
) -> list[str]:
    limit = more.pop("limit", 10)
    with db.reading() as tx:
        waits = outbox.anything_waits(tx, lane, now, LEASE, **more)
    with db.transaction() as tx:
        leased = [row.id for row in outbox.lease(tx, lane, owner, now, limit, LEASE, **more)]
    assert waits or not leased, "who looks first must see all there is to lease"
    return leased


def sent(db: Database, row_id: str, owner: str = "one", now: datetime = NOW) -> bool:
    with db.transaction() as tx:
        return outbox.mark_sent(tx, row_id, owner, 99, now)


def row(db: Database, row_id: str) -> Outbox:
    with db.reading() as tx:
        return tx.get_one(Outbox, row_id)


def test_a_message_is_read_back_as_it_was_put(database):
    outgoing = Outgoing(
        OutgoingKind.DOCUMENT,
        -100123,
        "text \ud800 with half a pair",
        buttons=((Button("I have this", "a:1", ButtonStyle.DANGER),), (Button("Show", "s:1"),)),
        file_name="log.csv",
        file_bytes=b"\x00\xff",
        commands=(("help", "what I can do"),),
    )
    with database.transaction() as tx:
        kept = outbox.put(tx, outgoing, kind=OutboxKind.DOCUMENT, now=NOW)
        assert outbox.read_outgoing(tx, kept) == outgoing
        assert b"with half" not in kept.payload_sealed


def test_a_chat_gets_its_messages_one_at_a_time_in_order(database):
    first, second, other = put(database, "1"), put(database, "2"), put(database, chat=8)
    assert lease(database) == [first, other]
    assert lease(database, "two") == []
    assert sent(database, first)
    assert lease(database, "two") == [second]


def test_a_message_written_after_the_clock_was_set_back_goes_out_behind_the_older_ones(database):
    before = [put(database, now=NOW), put(database, now=NOW)]
    after = [put(database, now=NOW - timedelta(hours=2)) for _ in range(2)]
    gone = []
    while leased := lease(database, now=NOW - timedelta(hours=2)):
        gone += leased
        assert all(sent(database, each) for each in leased)
    assert gone == before + after


def test_a_routine_message_waits_for_the_one_before_it_that_is_tried_again(database):
    first, second = put(database), put(database)
    lease(database)
    with database.transaction() as tx:
        assert outbox.put_back(tx, first, "one", NOW + LEASE, "wait")
    assert lease(database) == []
    assert lease(database, now=NOW + LEASE) == [first]
    assert sent(database, first)
    assert lease(database) == [second]


def test_a_message_planned_for_later_holds_up_nobody(database):
    put(database, not_before=NOW + LEASE)
    now = put(database)
    assert lease(database) == [now]


def test_an_alert_does_not_wait_behind_one_that_is_tried_again(database):
    first = put(database, lane=Lane.ALERT, kind=OutboxKind.PAGE)
    lease(database, lane=Lane.ALERT)
    with database.transaction() as tx:
        outbox.put_back(tx, first, "one", NOW + LEASE, "transient")
    second = put(database, lane=Lane.ALERT, kind=OutboxKind.PAGE)
    assert lease(database, lane=Lane.ALERT) == [second]


def test_a_page_does_not_wait_behind_a_check_in_to_the_same_chat(database):
    put(database, kind=OutboxKind.CARD)
    lease(database)
    page = put(database, lane=Lane.ALERT, kind=OutboxKind.PAGE)
    assert lease(database, lane=Lane.ALERT) == [page]


def test_a_page_waits_for_no_edit_of_a_card_that_hangs(database):
    edit = put(database, kind=OutboxKind.EDIT, lane=Lane.ALERT, message_id=5)
    assert lease(database, lane=Lane.ALERT) == [edit]
    page, second = (put(database, kind=OutboxKind.PAGE, lane=Lane.ALERT) for _ in range(2))
    notice = put(database, lane=Lane.ALERT)
    assert lease(database, lane=Lane.ALERT) == [page], "the edit is still on its way to the same chat"
    assert sent(database, edit) and sent(database, page)
    assert lease(database, lane=Lane.ALERT) == [second]
    assert sent(database, second)
    assert lease(database, lane=Lane.ALERT) == [notice]


def test_pages_go_before_a_row_of_edits_that_were_queued_first(database):
    for chat in range(100, 110):
        put(database, chat=chat, kind=OutboxKind.EDIT, lane=Lane.ALERT, message_id=5)
    page = put(database, kind=OutboxKind.PAGE, lane=Lane.ALERT)
    assert lease(database, lane=Lane.ALERT, limit=2)[-1] == page


def test_a_channel_that_is_not_served_holds_up_no_other(database):
    put(database, channel="telegram")
    spare = put(database, channel="telegram-alert")
    assert lease(database, channels=["telegram-alert"]) == [spare]


def test_a_word_to_somebody_typing_does_not_wait_for_a_card_in_the_queue(database):
    card, word = put(database, kind=OutboxKind.CARD), put(database, kind=OutboxKind.RELAY)
    assert lease(database, kinds=[OutboxKind.RELAY, OutboxKind.NOTICE]) == [word]
    assert lease(database, kinds=[OutboxKind.CARD]) == [], "one on its way to a chat at a time"
    assert sent(database, word)
    assert lease(database, kinds=[OutboxKind.CARD]) == [card]


def test_a_look_finds_nothing_among_other_kinds_and_finds_a_lease_that_is_over(database):
    def waits(now: datetime, *kinds: OutboxKind) -> bool:
        with database.reading() as tx:
            return outbox.anything_waits(tx, Lane.ROUTINE, now, LEASE, kinds=kinds)

    put(database, kind=OutboxKind.CARD)
    assert not waits(NOW, OutboxKind.NOTICE)
    assert waits(NOW, OutboxKind.CARD)
    lease(database, kinds=[OutboxKind.CARD])
    assert not waits(NOW, OutboxKind.CARD)
    assert waits(NOW + LEASE, OutboxKind.CARD)


@pytest.mark.parametrize("kind", [OutboxKind.PAGE, OutboxKind.SAFETY, OutboxKind.RELAY, OutboxKind.NOTICE])
def test_what_may_have_been_lost_goes_again_marked_as_a_repeat(database, kind):
    page = put(database, kind=kind)
    assert lease(database) == [page]
    assert lease(database, "two", NOW + LEASE - timedelta(microseconds=1)) == []
    assert lease(database, "two", NOW + LEASE) == [page]
    assert row(database, page).repeat


@pytest.mark.parametrize(
    "kind", [OutboxKind.CARD, OutboxKind.REMINDER, OutboxKind.ANSWER, OutboxKind.DOCUMENT]
)
def test_a_card_that_may_have_arrived_is_not_sent_twice(database, kind):
    card = put(database, kind=kind)
    lease(database)
    assert lease(database, "two", NOW + LEASE) == []
    assert row(database, card).state == OutboxState.UNCERTAIN


def test_a_worker_that_wakes_after_its_lease_changes_nothing(database):
    page = put(database, kind=OutboxKind.PAGE)
    lease(database, "sleeper")
    lease(database, "second", NOW + LEASE)
    assert not sent(database, page, "sleeper")
    with database.transaction() as tx:
        assert not outbox.put_back(tx, page, "sleeper", NOW, "transient")
        assert outbox.mark_failed(tx, page, "sleeper", "dead_address", NOW) is None
        assert not outbox.mark_uncertain(tx, page, "sleeper", "ambiguous", NOW)
    assert row(database, page).lease_owner == "second"
    assert sent(database, page, "second")
    assert not sent(database, page, "second")


def test_only_the_newest_edit_of_a_message_is_sent(database):
    card = put(database, kind=OutboxKind.CARD)
    lease(database)
    sent(database, card)
    older = put(database, "2 of 6", kind=OutboxKind.EDIT, edits=card)
    newer = put(database, "3 of 6", kind=OutboxKind.EDIT, edits=card)
    elsewhere = put(database, "3 of 6", kind=OutboxKind.EDIT, chat=8, message_id=99)
    assert lease(database) == [newer, elsewhere]
    assert row(database, older).state == OutboxState.CANCELLED
    with database.reading() as tx:
        assert outbox.read_outgoing(tx, row(database, newer)).message_id == 99


def test_an_edit_waits_for_the_message_it_changes(database):
    page = put(database, kind=OutboxKind.PAGE, lane=Lane.ALERT)
    edit = put(database, kind=OutboxKind.EDIT, edits=page)
    assert lease(database) == []
    lease(database, lane=Lane.ALERT)
    assert lease(database) == []
    assert sent(database, page)
    assert lease(database) == [edit]


def test_order_holds_for_messages_put_at_the_same_instant(database):
    rows = [put(database, str(n)) for n in range(20)]
    assert rows == sorted(rows)


def test_an_accepted_page_is_on_its_alert_and_its_contact(database):
    fill(database)
    add(database, Page, {"contact_id": "c"})
    page = put(database, kind=OutboxKind.PAGE, page_id="g", alert_id="a", staff_id="d")
    lease(database)
    assert sent(database, page, now=NOW + LEASE)
    second = put(database, kind=OutboxKind.PAGE, alert_id="a", staff_id="d")
    lease(database, now=NOW + 2 * LEASE)
    assert sent(database, second, now=NOW + 2 * LEASE)
    with database.reading() as tx:
        assert tx.get_one(Page, "g").state == PageState.SENT
        assert tx.get_one(Alert, "a").paged_at == NOW + LEASE
        assert tx.get_one(Contact, "c").last_success_at == NOW + LEASE


def test_a_refused_page_is_failed_with_its_page(database):
    fill(database)
    add(database, Page, {})
    page = put(database, kind=OutboxKind.PAGE, page_id="g", alert_id="a")
    lease(database)
    with database.transaction() as tx:
        assert outbox.mark_failed(tx, page, "one", "dead_address", NOW).state == OutboxState.FAILED
    with database.reading() as tx:
        assert tx.get_one(Page, "g").state == PageState.FAILED
        assert tx.get_one(Alert, "a").paged_at is None


def test_a_card_says_on_its_check_in_when_it_was_sent(database):
    fill(database)
    card = put(database, kind=OutboxKind.CARD, check_in_id="k")
    lease(database)
    sent(database, card)
    again = put(database, kind=OutboxKind.REMINDER, check_in_id="k")
    lease(database)
    sent(database, again, now=NOW + LEASE)
    with database.reading() as tx:
        assert tx.get_one(CheckIn, "k").sent_at == NOW


def test_stop_cancels_what_waits_for_the_patient_and_nothing_for_staff(database):
    with database.transaction() as tx:
        patient = patients.enrol(tx, "s", NOW, language="en", zone="UTC")
    mine = {"patient_id": patient.id}
    card, moving = (
        put(database, kind=OutboxKind.CARD, **mine),
        put(database, kind=OutboxKind.RELAY, chat=8, **mine),
    )
    lease(database, limit=2)
    with database.transaction() as tx:
        outbox.put_back(tx, card, "one", NOW, "transient")
    goodbye = put(database, "stopped", kind=OutboxKind.NOTICE, **mine)
    with database.transaction() as tx:
        tx.add(Staff(**LEGAL[Staff]))
    page = put(database, kind=OutboxKind.PAGE, lane=Lane.ALERT, staff_id="d2", **mine)
    relay = put(database, kind=OutboxKind.RELAY, chat=9, staff_id="d2", **mine)
    with database.transaction() as tx:
        assert outbox.cancel_for_patient(tx, patient.id, NOW, keep=[OutboxKind.NOTICE]) == 1
    assert row(database, card).state == OutboxState.CANCELLED
    assert row(database, moving).state == OutboxState.UNCERTAIN
    assert lease(database, now=NOW + 2 * LEASE) == [goodbye, relay]
    assert lease(database, lane=Lane.ALERT) == [page]
    assert sent(database, moving), "it had been sent after all, and that is noted"


def test_a_claim_cancels_pages_that_did_not_go_yet(database):
    fill(database)
    add(database, Page, {})
    add(database, Page, {"id": "g2", "loop": 2})
    going = put(database, kind=OutboxKind.PAGE, alert_id="a", page_id="g")
    lease(database)
    waiting = put(database, kind=OutboxKind.PAGE, alert_id="a", page_id="g2")
    told = put(database, kind=OutboxKind.NOTICE, chat=8, alert_id="a")
    with database.transaction() as tx:
        assert outbox.cancel_pages(tx, "a", NOW) == 1
    assert row(database, waiting).state == OutboxState.CANCELLED
    assert lease(database) == [told]
    assert sent(database, going)
    with database.reading() as tx:
        assert tx.get_one(Page, "g").state == PageState.SENT
        assert tx.get_one(Page, "g2").state == PageState.CANCELLED


def test_a_message_of_an_erased_patient_cannot_be_read(database):
    with database.transaction() as tx:
        patient = patients.enrol(tx, "s", NOW, language="en", zone="UTC")
    card = put(database, kind=OutboxKind.CARD, patient_id=patient.id)
    with database.transaction() as tx:
        destroy_patient_key(tx, patient.id)
    with database.reading() as tx, pytest.raises(Erased):
        outbox.read_outgoing(tx, row(database, card))
