"""Calendars as other programs export them, and those that must not empty the rota."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from bot.flows import roster
from bot.flows import rota as rota_flow
from bot.flows.clinic import Clinic
from bot.rota import RotaRefused, import_calendar
from bot.rota.calendar import MOST_BYTES, MOST_EVENTS
from storage import outbox
from storage.tables import Outbox, OutboxKind, Shift
from tests.rota.conftest import NOW

DAY = timedelta(days=1)
BEGUN = NOW + timedelta(hours=2)  # the first shift of the weekly calendar is on


def calendar(*events: str, head: str = "") -> bytes:
    body = "".join(f"BEGIN:VEVENT\n{each}\nEND:VEVENT\n" for each in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{head}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


WEEKLY = calendar(
    "UID:a\nDTSTART;TZID=America/Chicago:20261001T080000\nDTEND;TZID=America/Chicago:20261001T200000\n"
    "RRULE:FREQ=DAILY\nSUMMARY:Amara Osei",
    "UID:b\nDTSTART;TZID=America/Chicago:20261001T200000\nDTEND;TZID=America/Chicago:20261002T080000\n"
    "RRULE:FREQ=DAILY\nSUMMARY:Jonas Lind on call",
)


def shifts(clinic: Clinic) -> list[Shift]:
    with clinic.db.reading() as tx:
        return list(tx.scalars(select(Shift).order_by(col(Shift.starts_at))))


def on_call(clinic: Clinic, at: datetime, tier: int = 1) -> str | None:
    with clinic.db.reading() as tx:
        staff = roster.on_call_now(tx, "demo", tier, at)
        return staff.name if staff else None


def told(clinic: Clinic) -> list[str]:
    with clinic.db.transaction() as tx:
        rows = tx.scalars(select(Outbox).where(col(Outbox.kind) == OutboxKind.NOTICE)).all()
        return [outbox.read_outgoing(tx, each).text for each in rows]


@pytest.mark.parametrize(
    ("event", "starts", "ends"),
    [
        pytest.param(
            "DTSTART:20261005T130000Z\nDTEND:20261005T210000Z",
            "2026-10-05T13:00",
            "2026-10-05T21:00",
            id="UTC",
        ),
        pytest.param(
            "DTSTART;TZID=Europe/London:20261005T090000\nDURATION:PT8H",
            "2026-10-05T08:00",
            "2026-10-05T16:00",
            id="a zone and a duration",
        ),
        pytest.param(
            "DTSTART:20261005T090000\nDTEND:20261005T170000",
            "2026-10-05T14:00",
            "2026-10-05T22:00",
            id="floating: the clinic's own zone",
        ),
        pytest.param(
            "DTSTART;VALUE=DATE:20261005",
            "2026-10-05T05:00",
            "2026-10-06T05:00",
            id="all day: local midnights",
        ),
        pytest.param(
            "DTSTART;VALUE=DATE:20261005\nDTEND;VALUE=DATE:20261007",
            "2026-10-05T05:00",
            "2026-10-07T05:00",
            id="two whole days, the end not included",
        ),
    ],
)
def test_times_in_all_their_spellings(clinic: Clinic, event: str, starts: str, ends: str) -> None:
    import_calendar(clinic, calendar(f"UID:x\n{event}\nSUMMARY:Amara Osei"), "demo", 1, NOW)
    (shift,) = shifts(clinic)
    assert shift.starts_at.isoformat()[:16] == starts and shift.ends_at.isoformat()[:16] == ends


def test_the_calendars_own_zone_counts_for_floating_times(clinic: Clinic) -> None:
    event = "UID:x\nDTSTART:20261005T090000\nDTEND:20261005T170000\nSUMMARY:Amara Osei"
    import_calendar(clinic, calendar(event, head="X-WR-TIMEZONE:Europe/Madrid\n"), "demo", 1, NOW)
    assert shifts(clinic)[0].starts_at == datetime(2026, 10, 5, 7, tzinfo=UTC)


CLINIC_TIME = (
    "BEGIN:VTIMEZONE\nTZID:Clinic Time\n"
    "BEGIN:STANDARD\nDTSTART:16010101T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\n"
    "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11\nEND:STANDARD\n"
    "BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\n"
    "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
)


@pytest.mark.parametrize(
    ("head", "zone"),
    [
        pytest.param("", ";TZID=Eastern Standard Time", id="Windows' name"),
        pytest.param(CLINIC_TIME, ";TZID=Clinic Time", id="one the calendar defines itself"),
        pytest.param("", ";TZID=/mozilla.org/20050126_1/America/New_York", id="with its vendor before it"),
        pytest.param("X-WR-TIMEZONE:Eastern Standard Time\n", "", id="Windows' name for the whole calendar"),
    ],
)
def test_zones_as_other_programs_name_them(clinic: Clinic, head: str, zone: str) -> None:
    event = f"UID:x\nDTSTART{zone}:20261005T090000\nDTEND{zone}:20261005T170000\nSUMMARY:Amara Osei"
    import_calendar(clinic, calendar(event, head=head), "demo", 1, NOW)
    assert shifts(clinic)[0].starts_at == datetime(2026, 10, 5, 13, tzinfo=UTC)


MORNING = "UID:m\nDTSTART:20261005T090000Z\nDTEND:20261005T170000Z\nSUMMARY:Dr Inés Prado"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\xef\xbb\xbf" + calendar(MORNING), id="a mark before UTF-8"),
        pytest.param(calendar(MORNING).replace(b"\r\n", b"\n"), id="bare line feeds"),
        pytest.param(calendar(MORNING, head="X-WR-TIMEZONE:\n"), id="an empty zone of its own"),
        pytest.param(calendar(MORNING).replace(b"\xc3\xa9", b"\xc3\r\n \xa9"), id="folded within a letter"),
        pytest.param(calendar(MORNING).decode().encode("latin-1"), id="Latin-1"),
        pytest.param(calendar(MORNING).decode().encode("utf-16"), id="UTF-16"),
        pytest.param(calendar("UID:a\nDTSTART:20261006T090000Z\nDURATION:PT8H\nSUMMARY:Jonas Lind")
                     + calendar(MORNING), id="two calendars in one file"),
    ],
)  # fmt: skip
def test_files_as_other_programs_write_them(clinic: Clinic, raw: bytes) -> None:
    import_calendar(clinic, raw, "demo", 1, NOW)
    assert on_call(clinic, datetime(2026, 10, 5, 10, tzinfo=UTC)) == "Dr. Inés Prado"


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        pytest.param("DTSTART:20261006T090000Z", '"Jonas Lind" has no end', id="no end"),
        pytest.param(
            "DTSTART:20261006T090000Z\nDTEND:20281006T090000Z",
            '"Jonas Lind" is longer than a year',
            id="long",
        ),
    ],
)
def test_an_entry_that_is_no_shift_is_left_out_and_named(clinic: Clinic, event: str, problem: str) -> None:
    report = import_calendar(clinic, calendar(MORNING, f"UID:x\n{event}\nSUMMARY:Jonas Lind"), "demo", 1, NOW)
    assert report.shifts == 1
    assert any(each.startswith(problem) for each in report.problems)
    assert any(problem in each for each in told(clinic))


def test_a_whole_day_that_ends_on_itself_is_that_day(clinic: Clinic) -> None:
    event = "UID:x\nDTSTART;VALUE=DATE:20261005\nDTEND;VALUE=DATE:20261005\nSUMMARY:Amara Osei"
    import_calendar(clinic, calendar(event), "demo", 1, NOW)
    assert shifts(clinic)[0].ends_at - shifts(clinic)[0].starts_at == DAY


def test_recurring_shifts_keep_their_clock_time_and_leave_no_gap_when_the_clocks_change(
    clinic: Clinic,
) -> None:
    report = import_calendar(clinic, WEEKLY, "demo", 1, BEGUN)
    assert report.gaps == ()
    change = datetime(2026, 11, 1, 7, tzinfo=UTC)
    for minutes in range(0, 36 * 60, 10):
        assert on_call(clinic, change + timedelta(minutes=minutes)) is not None
    assert on_call(clinic, datetime(2026, 10, 31, 13, tzinfo=UTC)) == "Amara Osei"
    assert on_call(clinic, datetime(2026, 11, 2, 13, 59, tzinfo=UTC)) == "Jonas Lind"
    assert on_call(clinic, datetime(2026, 11, 2, 14, tzinfo=UTC)) == "Amara Osei"


def test_exceptions_and_cancellations_are_followed(clinic: Clinic) -> None:
    daily = (
        "UID:a\nDTSTART:20261005T130000Z\nDTEND:20261005T210000Z\nRRULE:FREQ=DAILY;COUNT=4\n"
        "EXDATE:20261006T130000Z\nSUMMARY:Amara Osei"
    )
    swapped = (
        "UID:a\nRECURRENCE-ID:20261007T130000Z\nDTSTART:20261007T130000Z\nDTEND:20261007T210000Z\n"
        "SUMMARY:Jonas Lind"
    )
    dropped = (
        "UID:a\nRECURRENCE-ID:20261008T130000Z\nDTSTART:20261008T130000Z\nDTEND:20261008T210000Z\n"
        "STATUS:CANCELLED\nSUMMARY:Amara Osei"
    )
    import_calendar(clinic, calendar(daily, swapped, dropped), "demo", 1, NOW)
    at = datetime(2026, 10, 5, 15, tzinfo=UTC)
    assert [on_call(clinic, at + day * DAY) for day in range(4)] == ["Amara Osei", None, "Jonas Lind", None]


@pytest.mark.parametrize(
    "summary",
    [
        pytest.param("SUMMARY:On Call - Amara Osei - Primary", id="as PagerDuty writes it"),
        pytest.param("SUMMARY:[L0] amara osei", id="as Grafana OnCall writes it"),
        pytest.param("SUMMARY:AMARA  OSEI (week 41)", id="case and blanks"),
        pytest.param("SUMMARY:amara@clinic.example", id="as Opsgenie writes it, by alias"),
        pytest.param("SUMMARY:Primary\nATTENDEE;CN=A:mailto:Amara@clinic.example", id="as Google writes it"),
        pytest.param(
            "SUMMARY:Primary\nATTENDEE;CN=Amara Osei:mailto:a@b.example", id="whoever attends alone"
        ),
        pytest.param("SUMMARY:[L1] aosei", id="an account's name beside other words, by alias"),
    ],
)
def test_whose_shift_it_is(clinic: Clinic, summary: str) -> None:
    event = f"UID:x\nDTSTART:20261005T090000Z\nDTEND:20261005T170000Z\n{summary}"
    aliases = {"amara@clinic.example": "Amara Osei", "aosei": "Amara Osei"}
    import_calendar(clinic, calendar(event), "demo", 1, NOW, aliases=aliases)
    assert on_call(clinic, datetime(2026, 10, 5, 10, tzinfo=UTC)) == "Amara Osei"


def test_several_who_attend_are_nobody_in_particular(clinic: Clinic) -> None:
    two = "ATTENDEE;CN=Amara Osei:mailto:a@b.example\nATTENDEE;CN=Jonas Lind:mailto:j@b.example"
    event = f"UID:x\nDTSTART:20261005T090000Z\nDTEND:20261005T170000Z\nSUMMARY:Rounds\n{two}"
    with pytest.raises(RotaRefused, match='"Rounds" is nobody here'):
        import_calendar(clinic, calendar(event), "demo", 1, NOW)


@pytest.mark.parametrize("name", ["Dr Ines Prado", "On Call - Inés Prado - Lead"])
def test_an_accent_or_a_title_more_or_less_is_the_same_person(clinic: Clinic, name: str) -> None:
    event = f"UID:x\nDTSTART:20261005T090000Z\nDTEND:20261005T170000Z\nSUMMARY:{name}"
    import_calendar(clinic, calendar(event), "demo", 3, NOW)
    assert on_call(clinic, datetime(2026, 10, 5, 10, tzinfo=UTC), tier=3) == "Dr. Inés Prado"


BAD = [
    pytest.param(b"", "it is empty", id="empty"),
    pytest.param(b"<!DOCTYPE html><html>Sign in</html>", "log-in page", id="a log-in page"),
    pytest.param(calendar(), "no event", id="no event"),
    pytest.param(b"BEGIN:VEVENT nonsense", "not an iCalendar file", id="nonsense"),
    pytest.param(
        calendar("UID:x\nDTSTART;TZID=Mars/Phobos:20261005T090000\nDURATION:PT1H\nSUMMARY:Amara Osei"),
        'the time zone "Mars/Phobos" is unknown',
        id="unknown zone",
    ),
    pytest.param(
        calendar("UID:x\nDTSTART:20261005T090000Z\nDURATION:PT1M\nRRULE:FREQ=SECONDLY\nSUMMARY:Amara Osei"),
        "repeats secondly",
        id="endless seconds",
    ),
    pytest.param(
        calendar(
            "UID:x\nDTSTART:20261005T000000Z\nDURATION:PT1M\nSUMMARY:Amara Osei\n"
            "RRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15;BYMINUTE=0,5,10,15,20,25;"
            "BYSECOND=0,1,2,3,4,5,6,7,8,9,10"
        ),
        "over 3000 shifts in the weeks ahead",
        id="a hundred thousand occurrences",
    ),
    pytest.param(
        calendar("UID:x\nDTSTART:garbage\nSUMMARY:Amara Osei"), "DTSTART that cannot be read", id="bad date"
    ),
    pytest.param(
        calendar("UID:x\nDTSTART:20261005T240000\nDURATION:PT8H\nSUMMARY:Amara Osei"),
        "DTSTART that cannot be read",
        id="an hour there is not",
    ),
    pytest.param(
        calendar("UID:x\nDTSTART:20261005T090000Z\nDURATION:-PT8H\nSUMMARY:Amara Osei"),
        "ends before it begins",
        id="a length below nothing",
    ),
    pytest.param(
        calendar(f"{MORNING}\nRRULE:FREQ=DAILY;INTERVAL=0"), "says not how often", id="every no days"
    ),
    pytest.param(calendar(f"{MORNING}\nRRULE:COUNT=2"), "says not how often", id="a rule of no kind"),
    pytest.param(calendar(f"{MORNING}\nRRULE:FREQ=DAILY;COUNT=-3"), "cannot be placed", id="less than none"),
    pytest.param(calendar(f"{MORNING}\nDTSTART:20261006T090000Z"), "cannot be placed", id="two beginnings"),
    pytest.param(
        calendar("UID:x\nDTSTART:99991231T230000Z\nDURATION:P2D\nSUMMARY:Amara Osei"),
        "cannot be placed",
        id="past the end of time",
    ),
    pytest.param(
        calendar("UID:x\nDTSTART:20261005T090000Z\nDTEND:20261005T080000Z\nSUMMARY:Amara Osei"),
        "ends before it begins",
        id="ends before it begins",
    ),
    pytest.param(
        calendar(MORNING, head="X-WR-TIMEZONE:Mars/Phobos\n"), '"Mars/Phobos" is unknown', id="its zone"
    ),
    pytest.param(
        calendar(
            "UID:x\nDTSTART:19000101T080000\nDURATION:PT1M\nSUMMARY:Amara Osei\nRRULE:FREQ=YEARLY;BYMINUTE="
            + ",".join(map(str, range(60)))
            + ";BYSECOND="
            + ",".join(map(str, range(60)))
        ),
        "repeats from so long ago",
        id="more dates than can be gone through",
    ),
    pytest.param(
        calendar("UID:x\nDTSTART:20261005T090000Z\nDURATION:PT8H\nSUMMARY:Somebody Else"),
        '"Somebody Else" is nobody here',
        id="nobody we know",
    ),
    pytest.param(
        calendar("UID:x\nDTSTART:20250105T090000Z\nDURATION:PT8H\nSUMMARY:Amara Osei"),
        "no shift in the next 120 days",
        id="all in the past",
    ),
    pytest.param(b"BEGIN:VEVENT\n" * (MOST_EVENTS + 1), f"the limit is {MOST_EVENTS}", id="too many events"),
    pytest.param(b" " * (MOST_BYTES + 1), f"the limit is {MOST_BYTES}", id="too large"),
]


@pytest.mark.parametrize(("raw", "problem"), BAD)
def test_a_bad_calendar_leaves_the_last_good_rota_and_somebody_is_told(
    clinic: Clinic, raw: bytes, problem: str
) -> None:
    import_calendar(clinic, WEEKLY, "demo", 1, NOW, name="oncall")
    before = [(each.staff_id, each.starts_at, each.ends_at) for each in shifts(clinic)]
    with pytest.raises(RotaRefused) as refused:
        import_calendar(clinic, raw, "demo", 1, NOW + DAY, name="oncall")
    assert problem in str(refused.value)
    assert [(each.staff_id, each.starts_at, each.ends_at) for each in shifts(clinic)] == before
    assert any("last good rota stays" in each for each in told(clinic))


def test_a_file_that_is_not_there_is_named(clinic: Clinic, tmp_path: Path) -> None:
    with pytest.raises(RotaRefused, match=r"oncall\.ics: it cannot be read: No such file"):
        import_calendar(clinic, tmp_path / "oncall.ics", "demo", 1, NOW)


def test_reading_again_replaces_its_own_shifts_and_nobody_elses(clinic: Clinic) -> None:
    import_calendar(clinic, WEEKLY, "demo", 1, NOW, name="first")
    import_calendar(clinic, WEEKLY, "demo", 2, NOW, name="second")
    other = calendar("UID:x\nDTSTART:20261005T000000Z\nDTEND:20261012T000000Z\nSUMMARY:Dr Ines Prado")
    import_calendar(clinic, other, "demo", 1, NOW + timedelta(hours=2), name="first")
    at = datetime(2026, 10, 6, 14, tzinfo=UTC)
    assert on_call(clinic, at) == "Dr. Inés Prado"
    assert on_call(clinic, at, tier=2) == "Amara Osei"
    assert on_call(clinic, NOW + timedelta(hours=1)) is not None, "what has been is history"


def test_overlaps_are_named_and_still_exactly_one_is_on_call(clinic: Clinic) -> None:
    report = import_calendar(
        clinic,
        calendar(
            "UID:a\nDTSTART:20261005T000000Z\nDTEND:20261006T000000Z\nSUMMARY:Amara Osei",
            "UID:b\nDTSTART:20261005T120000Z\nDTEND:20261006T120000Z\nSUMMARY:Jonas Lind",
        ),
        "demo",
        1,
        NOW,
    )
    assert any("both on from 2026-10-05 12:00" in each for each in report.problems)
    assert on_call(clinic, datetime(2026, 10, 5, 13, tzinfo=UTC)) == "Jonas Lind"


def test_an_overlap_is_named_though_others_end_in_between(clinic: Clinic) -> None:
    report = import_calendar(
        clinic,
        calendar(
            "UID:a\nDTSTART:20261005T000000Z\nDTEND:20261009T000000Z\nSUMMARY:Amara Osei",
            "UID:b\nDTSTART:20261005T120000Z\nDTEND:20261005T130000Z\nSUMMARY:Jonas Lind",
            "UID:c\nDTSTART:20261006T120000Z\nDTEND:20261006T130000Z\nSUMMARY:Jonas Lind",
        ),
        "demo",
        1,
        NOW,
    )
    starts = [each.split(" UTC")[0].split("from ")[1] for each in report.problems]
    assert starts == ["2026-10-05 12:00", "2026-10-06 12:00"]


def test_gaps_are_found_two_weeks_ahead_and_the_coordinator_hears_once_a_day(clinic: Clinic) -> None:
    import_calendar(clinic, WEEKLY, "demo", 1, BEGUN)
    found = rota_flow.check(clinic, "demo", BEGUN)
    assert found.somebody_now
    assert {(each.kind, each.tier) for each in found.problems} >= {("gap", 2), ("gap", 3)}
    assert not any(each.kind == "gap" and each.tier == 1 for each in found.problems)
    before = len(told(clinic))
    for hours in (0, 1, 2):
        rota_flow.watch(clinic, BEGUN + timedelta(hours=hours))
    assert len(told(clinic)) == before + 1
    rota_flow.watch(clinic, BEGUN + DAY)
    assert len(told(clinic)) == before + 2


def test_an_empty_rota_says_so(clinic: Clinic) -> None:
    found = rota_flow.check(clinic, "demo", NOW)
    assert not found.somebody_now and len(found.problems) == 3
