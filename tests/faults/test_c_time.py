"""C. Time: clocks that jump, a machine that slept, and days that are longer or shorter than others."""

from __future__ import annotations

import asyncio
import importlib.resources
import itertools
import os
import signal
import time
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from bot.care.oncall import Turn, edges, gaps, on_call, overlaps
from bot.flows import roster
from bot.flows import settings as preferences
from bot.flows.replies import receive_reply
from bot.flows.rota import check as check_rota
from bot.message import ReplyKind
from bot.rota import import_calendar
from bot.rota.calendar import read_calendar
from bot.sandbox.running import RunningSandbox
from storage import inbox, outbox, patients
from storage import staff as people
from storage.database import Database
from storage.tables import AlertState, Lane, Role
from tests.faults import oracle
from tests.flows.alarm import only
from tests.flows.clinic_night import House, Phone
from tests.rim.parts import until
from tests.rim.running import FIRST, FRIGHTENING, MAYA, Record, open_phones, program, seed
from tests.rota.test_import import calendar

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def heard_and_not_sent(night: House, phone: Phone, text: str) -> None:
    """Let a reply be handled while delivery has not come to what follows from it."""
    reply = night.reply(phone, ReplyKind.TEXT, text=text)
    with night.clinic() as clinic:
        with clinic.db.transaction() as tx:
            inbox.store(tx, reply.bot, reply.update_id, reply.chat_id, {}, night.now)
        receive_reply(clinic, reply, night.now)


def verdict(
    night: House,
    urgent_replies: int = 1,
    within: timedelta = oracle.PAGED_WITHIN,
    set_back: timedelta = timedelta(0),
) -> None:
    with night.clinic() as clinic:
        oracle.check(clinic.db, night.now, urgent_replies=urgent_replies, within=within, set_back=set_back)


def test_fault_23_the_clock_jumps_two_hours_ahead(
    night: House, maria: Phone, okafor: Phone, lind: Phone, prado: Phone
) -> None:
    kit = night.enrolled()
    for phone in (maria, kit):
        phone.says(FRIGHTENING)
    assert len(okafor.bubbles) == 2
    night.skip_to(night.now + 2 * HOUR)
    assert [each.tier for each in night.alerts()] == [2, 2], "one early climb each, no more"
    assert (len(lind.bubbles), len(prado.bubbles)) == (2, 0)
    before = night.sent_count()
    for _ in range(5):
        night.tick()
    assert night.sent_count() == before, "no storm: the next step is counted from now"
    verdict(night, 2)


def test_fault_24_the_clock_is_set_back_two_hours(
    night: House, maria: Phone, okafor: Phone, lind: Phone
) -> None:
    kit, noor = night.enrolled(), night.enrolled()
    maria.says(FRIGHTENING)
    kit.says(FRIGHTENING)
    okafor.taps("I have this")
    heard_and_not_sent(night, noor, FRIGHTENING)
    before = len(okafor.bubbles)
    night.skip_to(night.now - 2 * HOUR)
    assert len(okafor.bubbles) >= before + 2, "the open alert and the one never sent are paged at once"
    for _ in range(15):
        night.now += MINUTE
        night.tick()
    assert {each.state for each in night.alerts()} == {AlertState.OPEN}, "a claim runs out as if nothing was"
    assert all(each.next_action_at <= night.now + 15 * MINUTE for each in night.alerts())
    assert lind.bubbles
    verdict(night, 3, set_back=2 * HOUR)


def test_fault_24_what_was_to_be_tried_again_is_not_put_off_by_a_clock_set_back(
    night: House, maria: Phone, okafor: Phone
) -> None:
    """A reply that failed once, and a page that a sender took to its grave."""
    reply = night.reply(maria, ReplyKind.TEXT, text=FRIGHTENING)
    back = night.now - 2 * HOUR
    with night.looking() as tx:
        inbox.store(tx, reply.bot, reply.update_id, reply.chat_id, {}, night.now)
        inbox.record_failure(tx, reply.bot, reply.update_id, "Trouble", night.now, night.now + MINUTE)
        assert inbox.next_waiting(tx, night.now, 10, []) == []
        assert len(inbox.next_waiting(tx, back, 10, [])) == 1
    heard_and_not_sent(night, maria, FRIGHTENING)
    with night.looking() as tx:
        taken = outbox.lease(tx, Lane.ALERT, "dead", night.now, 10, MINUTE)
        assert taken
        assert outbox.lease(tx, Lane.ALERT, "alive", night.now, 10, MINUTE) == []
        assert {each.id for each in outbox.lease(tx, Lane.ALERT, "alive", back, 10, MINUTE)} == {
            each.id for each in taken
        }


def test_fault_25_ten_minutes_asleep(night: House, maria: Phone, okafor: Phone, lind: Phone) -> None:
    kit = night.at_check_in()
    cards = len(kit.bubbles)
    maria.says(FRIGHTENING)
    night.skip_to(night.now + 10 * MINUTE)
    assert only(night).tier == 2 and len(lind.bubbles) == 1
    due = min(each.due_at for each in night.check_ins("planned") if each.due_at > night.now)
    night.skip_to(due + 10 * MINUTE)
    assert len(kit.bubbles) > cards
    after = night.sent_count()
    for _ in range(3):
        night.tick()
    assert night.sent_count() == after, "what was late happened once"
    verdict(night)


def test_fault_25_a_process_that_was_frozen_goes_on_where_it_was(
    sqlite_database: Database, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    """Stopped for real while its clocks run out; the scheduler's own patience of a second is over then."""
    seed(sqlite_database)
    record = Record(sqlite_database)

    async def go() -> None:
        await open_phones(sandbox)
        with program(sandbox, str(sqlite_database.place), tmp_path) as bot:
            bot.start()
            async with sandbox.client() as people:
                await people.say(MAYA, FRIGHTENING)
                first = await people.wait_for(FIRST, "K-00", within=40)
                await until(lambda: record.pages_sent == 1 and record.on_the_way == 0)
                assert bot.process is not None
                os.kill(bot.process.pid, signal.SIGSTOP)
                frozen = time.monotonic()
                await until(lambda: time.monotonic() - frozen > 2)
                await people.move_clock(timedelta(minutes=4))
                os.kill(bot.process.pid, signal.SIGCONT)
                await people.wait_for(
                    FIRST, lambda seen: "K-00" in seen.text and seen.message_id != first.message_id, within=30
                )
                await until(lambda: record.on_the_way == 0)
                assert record.pages_sent == 2, "one page for all the minutes it slept"
                oracle.check(sqlite_database, await people.now(), urgent_replies=1)

    asyncio.run(asyncio.wait_for(go(), 120))


def daily(zone: str, day: str, at: str, minutes: int = 720) -> bytes:
    """Two people by turns, handing over at the same clock time every day and twelve hours later.

    Without a `zone`, by the clinic's own clock.
    """
    hours, rest = divmod(minutes, 60)
    begin = f"DTSTART;TZID={zone}" if zone else "DTSTART"
    start = f"{begin}:{day}T{at}00"
    later = (datetime.fromisoformat(f"{day}T{at}00") + timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%S")
    other = timedelta(days=1) - timedelta(minutes=minutes)
    duration = f"PT{int(other.total_seconds() // 60)}M"
    return calendar(
        f"UID:a\n{start}\nDURATION:PT{hours}H{rest}M\nRRULE:FREQ=DAILY\nSUMMARY:Dr. Okafor",
        f"UID:b\n{begin}:{later}\nDURATION:{duration}\nRRULE:FREQ=DAILY\nSUMMARY:Jonas Lind",
    )


def names_on_call(night: House, start: datetime, hours: int) -> list[tuple[str, ...]]:
    """Return, for every minute, everybody whose shift wins: one name when all is right."""
    with night.looking() as tx:
        return [
            tuple(
                staff.name
                for staff in [roster.on_call_now(tx, "demo", 1, start + minute * MINUTE)]
                if staff is not None
            )
            for minute in range(hours * 60)
        ]


CHANGES = [
    pytest.param("Europe/London", datetime(2026, 10, 25, tzinfo=UTC), "0130", id="26, autumn in London"),
    pytest.param("Europe/London", datetime(2027, 3, 28, tzinfo=UTC), "0130", id="27, spring in London"),
    pytest.param(
        "America/New_York", datetime(2027, 3, 14, 6, tzinfo=UTC), "0230", id="27, spring in New York"
    ),
]


@pytest.mark.parametrize(("zone", "night_of", "at"), CHANGES)
def test_fault_26_27_a_hand_over_in_the_hour_that_comes_twice_or_never(
    night: House, zone: str, night_of: datetime, at: str
) -> None:
    night.now = night_of - timedelta(days=3)
    with night.looking() as tx:
        _two_people(tx, night.now)
    raw = daily(zone, (night.now - timedelta(days=1)).strftime("%Y%m%d"), at)
    with night.clinic() as clinic:
        report = import_calendar(clinic, raw, "demo", 1, night.now)
    assert report.gaps == () and report.problems == ()
    found = names_on_call(night, night_of, 4)
    assert {len(each) for each in found} == {1}, "somebody at every minute"
    assert len(set(found)) == 2, "and one hand-over in it"
    assert sum(one != other for one, other in itertools.pairwise(found)) == 1


def _two_people(tx: Session, now: datetime) -> None:
    patients.site_row(tx, "demo")
    for number, name in enumerate(("Dr. Okafor", "Jonas Lind")):
        member = people.add(tx, "demo", name, Role.CLINICIAN, now)
        people.link_chat(tx, member, 640 + number, now)


@pytest.fixture(params=["UTC", "Pacific/Apia"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The zone the machine itself is set to, which may matter nowhere."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


ZONES = sorted(
    each for each in zoneinfo.available_timezones() if "/" in each and not each.startswith(("Etc", "posix"))
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2026, 1, 1), date(2028, 11, 1)),
    handover=st.integers(0, 24 * 4 - 1).map(lambda quarter: timedelta(minutes=15 * quarter)),
)
def test_fault_27_property_no_gap_and_no_overlap_in_any_zone_of_the_world(
    machine_zone: str, zone: str, day: date, handover: timedelta
) -> None:
    del machine_zone
    at = (datetime(2026, 1, 1, tzinfo=UTC) + handover).strftime("%H%M")
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = start + timedelta(days=10)
    raw = daily(zone, (day - timedelta(days=3)).strftime("%Y%m%d"), at)
    turns = [
        Turn(1, each.title, each.starts_at, each.ends_at) for each in read_calendar(raw, start, end, "UTC")
    ]
    assert gaps(turns, 1, start, end) == ()
    assert all(on_call(turns, 1, edge) for edge in edges(turns, start, end))
    assert all(one.ends_at - other.starts_at <= HOUR for one, other in overlaps(turns))


@pytest.fixture
def other_tzdata(tmp_path: Path) -> Iterator[None]:
    """An update of the zone data moves Chicago by an hour."""
    folder = tmp_path / "zoneinfo" / "America"
    folder.mkdir(parents=True)
    (folder / "Chicago").write_bytes(_zone_file("America/Denver"))
    kept = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[tmp_path / "zoneinfo", *kept])
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(to=kept)
    ZoneInfo.clear_cache()


def _zone_file(name: str) -> bytes:
    for folder in zoneinfo.TZPATH:
        if (path := Path(folder) / name).exists():
            return path.read_bytes()
    return importlib.resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).read_bytes()


def test_fault_28_zone_data_changes_between_writing_and_use(
    night: House, request: pytest.FixtureRequest
) -> None:
    with night.looking() as tx:
        _two_people(tx, night.now)
    raw = daily("", (night.now - timedelta(days=1)).strftime("%Y%m%d"), "0800")
    tomorrow = night.local(8, days=1).astimezone(UTC)
    with night.clinic() as clinic:
        import_calendar(clinic, raw, "demo", 1, night.now, name="rota")
    before = names_on_call(night, tomorrow, 1)
    request.getfixturevalue("other_tzdata")
    with night.clinic() as clinic:
        report = import_calendar(clinic, raw, "demo", 1, night.now, name="rota")
        assert check_rota(clinic, "demo", night.now).somebody_now
    assert report.gaps == (), "the check for gaps was run again, and the new shifts have none"
    assert names_on_call(night, tomorrow + HOUR, 1) == before, "the hand-over moved with the clocks"
    assert names_on_call(night, tomorrow, 1) != before


def test_fault_28_a_patient_who_moves_is_asked_by_their_new_clock(night: House, maria: Phone) -> None:
    night.treated(maria)
    planned = {each.key: each.due_at for each in night.check_ins("planned")}
    with night.talking(maria) as talk:
        assert preferences.set_zone(talk, "America/Los_Angeles")
    moved = {each.key: each.due_at for each in night.check_ins("planned")}
    later = {key: moved[key] - at for key, at in planned.items() if key in moved}
    assert len(later) == len(planned) > 3
    assert set(later.values()) <= {timedelta(), 2 * HOUR}, "the same clock time, two hours later"
    assert 2 * HOUR in later.values()


ROTATIONS = [
    pytest.param(
        datetime(2028, 2, 27, 15, tzinfo=UTC), "20280221", "FREQ=WEEKLY;INTERVAL=2", 7, id="a leap day"
    ),
    pytest.param(
        datetime(2026, 12, 22, 15, tzinfo=UTC), "20261214", "FREQ=WEEKLY;INTERVAL=2", 7, id="week 53"
    ),
]


@pytest.mark.parametrize(("now", "first", "rule", "days"), ROTATIONS)
def test_fault_29_a_rotation_over_odd_days_stays_contiguous_fair_and_in_order(
    night: House, now: datetime, first: str, rule: str, days: int
) -> None:
    night.now = now
    with night.looking() as tx:
        _two_people(tx, now)
    begins = datetime.strptime(first, "%Y%m%d").replace(tzinfo=UTC)
    second = (begins + timedelta(days=days)).strftime("%Y%m%d")
    raw = calendar(
        f"UID:a\nDTSTART;TZID=America/Chicago:{first}T090000\nDTEND;TZID=America/Chicago:{second}T090000\n"
        f"RRULE:{rule}\nSUMMARY:Dr. Okafor",
        f"UID:b\nDTSTART;TZID=America/Chicago:{second}T090000\nDURATION:P{days}D\n"
        f"RRULE:{rule}\nSUMMARY:Jonas Lind",
    )
    with night.clinic() as clinic:
        assert import_calendar(clinic, raw, "demo", 1, now).gaps == ()
    with night.looking() as tx:
        names = [
            staff.name
            for day in range(1, 43)
            if (staff := roster.on_call_now(tx, "demo", 1, now + timedelta(days=day))) is not None
        ]
    assert len(names) == 42
    assert abs(names.count("Dr. Okafor") - names.count("Jonas Lind")) == 0, "six weeks, three each"
    changes = sum(one != other for one, other in itertools.pairwise(names))
    assert changes in (5, 6), "by turns, nobody twice running"


def test_fault_29_a_hand_over_on_the_last_day_of_each_month(night: House) -> None:
    """Short and long months: the one of the month and the one of its last day never leave a hole."""
    night.now = datetime(2028, 1, 20, 15, tzinfo=UTC)
    with night.looking() as tx:
        _two_people(tx, night.now)
    raw = calendar(
        "UID:a\nDTSTART;TZID=America/Chicago:20271231T000000\nDURATION:P1D\n"
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1\nSUMMARY:Jonas Lind",
        "UID:b\nDTSTART;TZID=America/Chicago:20280101T000000\nDURATION:P1D\n"
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,"
        "28,29,30\nSUMMARY:Dr. Okafor",
    )
    with night.clinic() as clinic:
        assert import_calendar(clinic, raw, "demo", 1, night.now).gaps == ()
    local = ZoneInfo("America/Chicago")
    with night.looking() as tx:
        for month, last in ((1, 31), (2, 29), (3, 31), (4, 30)):
            noon = datetime(2028, month, last, 12, tzinfo=local).astimezone(UTC)
            staff = roster.on_call_now(tx, "demo", 1, noon)
            assert staff is not None and staff.name == "Jonas Lind", noon
            staff = roster.on_call_now(tx, "demo", 1, noon + timedelta(days=1))
            assert staff is not None and staff.name == "Dr. Okafor", noon
