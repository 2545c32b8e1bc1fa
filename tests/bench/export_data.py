"""A clinic of invented people with a million answers, made by SQL in some seconds."""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.care.instrument import Item, ItemKind, Option
from bot.content import Content, ItemWording, Language, Wording
from bot.export.book import Book
from bot.export.select import Chosen
from bot.flows.clinic import Clinic
from bot.flows.exports import conditional, item_words
from storage.database import Database
from storage.exports import Snapshot
from storage.vault import Vault

MASTER_KEY = bytes(range(32))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
TREATMENTS, CHECK_INS = 6, 12
ROUNDS = 5
ITEMS = {
    each.id: each
    for each in (
        Item("nightmare_count", ItemKind.COUNT, highest=5, higher_is="worse", unit="nightmares"),
        Item("nightmare_distress", ItemKind.SCALE, higher_is="worse"),
        Item("sleep_hours", ItemKind.HOURS, highest=14, step=0.5, higher_is="better", unit="h"),
        Item("sleep_quality", ItemKind.SCALE, higher_is="better"),
        Item("anxiety", ItemKind.SCALE, higher_is="worse"),
        Item("headache", ItemKind.GRADE),
        Item("red_flags", ItemKind.MULTI, options=(Option("none"), Option("chest_pain"))),
    )
}
WORDS = {each: ItemWording(f"How was {each}?", short=each) for each in ITEMS}
CONTENT = Content(
    version="bench",
    items=ITEMS,
    instruments={},
    protocols={},
    languages={"en": Wording(Language("en", "English"), {}, WORDS)},
    rules=None,
    phrases=None,
    policies={},
    sites={},
    folder=Path(),
    conduct=None,
)
INSTANT = "strftime('%Y-%m-%dT%H:%M:%S', {seconds}, 'unixepoch') || '.000000Z'"
BEGIN = 1_767_600_000  # 2026-01-05 08:00 UTC
COUNT = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {upto})"


def _at(seconds: str) -> str:
    return INSTANT.format(seconds=seconds)


def _id(kind: int, number: str) -> str:
    return f"printf('{kind}%025d', {number})"


def fill(path: Path, answers: int) -> None:
    """Fill a migrated database with at least `answers` answers; one check-in in twenty is missed."""
    patients = -(-answers // (TREATMENTS * CHECK_INS * len(ITEMS) * 95 // 100))
    treatments, check_ins = patients * TREATMENTS, patients * TREATMENTS * CHECK_INS
    items = json.dumps(list(ITEMS))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("INSERT INTO site (id, next_patient_number) VALUES ('bench', 1)")
    begin = _at(str(BEGIN))
    zones = "CASE {n} % 3 WHEN 0 THEN 'Europe/Madrid' WHEN 1 THEN 'America/New_York' ELSE 'Europe/London' END"
    connection.execute(f"""{COUNT.format(upto=patients)}
        INSERT INTO patient (id, site_id, code, status, language, zone, quiet_from, quiet_to, consent_at,
            chat_hash, protocol, step, created_at)
        SELECT {_id(1, "i")}, 'bench', printf('K-%04d', i), 'active', 'en',
            {zones.format(n="i")}, '21:30', '07:30', {begin}, 'hash' || i, 'induction', '', {begin} FROM n""")
    connection.execute(f"""{COUNT.format(upto=treatments)}
        INSERT INTO treatment (id, patient_id, protocol, ended_at, number, at_home, increased,
            zone, status, recorded_by, created_at)
        SELECT {_id(2, "i")}, {_id(1, f"i % {patients}")}, 'induction',
            {_at(f"{BEGIN} + i / {patients} * 604800")},
            i / {patients} + 1, 0, 0, {zones.format(n=f"(i % {patients})")}, 'given', 'bench',
            {begin} FROM n""")
    due = f"{BEGIN} + i / {patients * CHECK_INS} * 604800 + (i / {patients}) % {CHECK_INS} * 43200 + 21600"
    connection.execute(f"""{COUNT.format(upto=check_ins)}
        INSERT INTO check_in (id, patient_id, treatment_id, key, kind, due_at, closes_at, zone, night_on,
            items, reminders, reminders_sent, status, reason, content_version, language, item_id, picked,
            opened_at, sent_at, first_seen_at, finished_at)
        SELECT {_id(3, "i")}, {_id(1, f"i % {patients}")},
            {_id(2, f"i / {patients * CHECK_INS} * {patients} + i % {patients}")},
            'd' || ((i / {patients}) % {CHECK_INS}), 'AM', {_at(due)}, {_at(f"{due} + 21600")},
            {zones.format(n=f"(i % {patients})")}, '2026-01-05', '{items}', '[]', 0,
            CASE WHEN abs(random()) % 20 = 0 THEN 'missed' ELSE 'answered' END, '', 'bench', 'en', '', '[]',
            {_at(due)}, {_at(f"{due} + 2")}, {_at(f"{due} + 300")}, {_at(f"{due} + 21600")} FROM n""")
    asked = " UNION ALL ".join(f"SELECT {n} AS n, '{each}' AS item" for n, each in enumerate(ITEMS))
    answered = "strftime('%s', c.due_at) + 300 + a.n * 9"
    connection.execute(f"""
        INSERT INTO response (id, patient_id, check_in_id, item_id, status, value, code, unit, label,
            night_on, late, answered_at, received_at, superseded, bot, update_id, language, content_version)
        SELECT {_id(4, f"c.rowid * {len(ITEMS)} + a.n")}, c.patient_id, c.id, a.item, 'answered',
            CASE WHEN a.n < 6 THEN abs(random()) % 11 END, CASE WHEN a.n = 6 THEN 'none' ELSE '' END, '',
            CASE WHEN a.n = 6 THEN 'None of these' ELSE '' END, '2026-01-05', 0,
            {_at(answered)}, {_at(answered)}, 0, 'care', c.rowid * {len(ITEMS)} + a.n, 'en', 'bench'
        FROM check_in c CROSS JOIN ({asked}) a WHERE c.status = 'answered'""")
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("ANALYZE")
    connection.close()


def make_clinic(folder: Path, answers: int) -> Clinic:
    """Return a clinic with at least so many answers, in a new database in `folder`."""
    path = folder / "bench.db"
    url = f"sqlite:///{path}"
    db = Database.open(url, Vault([MASTER_KEY]), create=True)
    db.migrate()
    fill(path, answers)
    return Clinic(db, CONTENT)


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def side_by_side(ours: Callable[[], object], against: Callable[[], object]) -> tuple[float, float, float]:
    """Return the medians of both, in seconds, and of their ratio, run in turns."""
    rounds = [(seconds(ours), seconds(against)) for _ in range(ROUNDS)]
    first, second = (statistics.median(times) for times in zip(*rounds, strict=True))
    return first, second, statistics.median(mine / theirs for mine, theirs in rounds)


def say(**line: object) -> None:
    """Print one measure."""
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in line.items()}
    print(json.dumps(rounded), flush=True)


def answers_wanted(usual: int = 1_000_000) -> int:
    """Return how many answers to measure with: the first argument, or what is usual."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else usual


def book_of(clinic: Clinic, source: Snapshot) -> Book:
    """Return the whole record of `clinic` as a book."""
    zones = tuple(row[0] for row in source.rows("SELECT DISTINCT zone FROM patient"))
    chosen = Chosen(now=NOW, zones=zones, conditional=conditional(ITEMS.values()))
    return Book(source, chosen, ITEMS, item_words(CONTENT, "en"))
