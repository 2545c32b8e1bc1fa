"""The SQL of every table, made from the list of columns, for both engines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.care.unasked import Unasked
from bot.export.columns import CHECK_IN_ID, TABLES, WIDE_FIXED, Column, Kind

BY_RECORD = {
    Unasked.PAUSED: "paused",
    Unasked.WITHDRAWN: "withdrawn",
    Unasked.ERASED: "erased",
}
"""What the record says that is told as it is; every other reason for not asking is `not_sent`."""


def _recorded() -> str:
    return " ".join(f"WHEN c.reason = '{reason}' THEN '{told}'" for reason, told in BY_RECORD.items())


REASON = f"""CASE WHEN c.status = 'superseded' THEN 'superseded' {_recorded()}
 WHEN c.status IN ('skipped', 'planned') THEN 'not_sent'
 WHEN c.status = 'open' THEN 'still_open'
 WHEN c.sent_at IS NULL THEN 'not_delivered'
 ELSE 'expired' END"""
WIDE_REASON = f"CASE WHEN c.status = 'answered' THEN NULL ELSE {REASON} END"
TYPING = {
    Kind.TEXT: "''",
    Kind.WORDS: "x'00'",
    Kind.NUMBER: "0.5",
    Kind.WHOLE: "0",
    Kind.YES_NO: "0",
    Kind.INSTANT: "''",
    Kind.DAY: "''",
}
HIDDEN_FOR_WORDS = (
    Column("_id", Kind.TEXT, "", "{row}.id", missing="NULL"),
    Column("_patient_id", Kind.TEXT, "", "{row}.patient_id", missing="NULL"),
)
ROWS = {"answers": "r", "alerts": "a", "messages": "m", "treatments": ""}  # whose words are sealed
WIDE_ANSWER = (
    CHECK_IN_ID,
    Column("_item", Kind.TEXT, "", "r.item_id"),
    Column("_value", Kind.NUMBER, "", "r.value"),
    Column("_answer", Kind.TEXT, "", "r.code"),
    Column("_status", Kind.TEXT, "", "r.status"),
)


@dataclass(frozen=True)
class Chosen:
    """What is exported. Days are local to the patient and both ends count.

    `since` asks only for what was learned after that instant. `conditional` are questions asked only
    after certain answers: their absence is no gap. `zones` are all zones in use, so that a local day
    becomes instants.
    """

    now: datetime
    site: str | None = None
    patient: str | None = None
    from_on: date | None = None
    to_on: date | None = None
    since: datetime | None = None
    conditional: tuple[str, ...] = ()
    zones: tuple[str, ...] = ("UTC",)


@dataclass(frozen=True)
class Select:
    """One query and the columns it brings, in order."""

    sql: str
    columns: tuple[Column, ...]


class Builder:
    """Writes the queries of one export for one engine ("sqlite" or "postgresql")."""

    def __init__(self, dialect: str, chosen: Chosen) -> None:
        self.sqlite = dialect == "sqlite"
        self.chosen = chosen

    def table(
        self, name: str, with_text: bool, columns: tuple[Column, ...] | None = None
    ) -> tuple[Select, ...]:
        """The queries of a table, to be read one after another; all its columns, or those given."""
        wanted = TABLES[name].with_text(with_text) if columns is None else columns
        columns = self._columns(wanted, ROWS[name] if with_text else "")
        match name:
            case "answers":
                return self._answers(columns)
            case "alerts":
                body = f"{self._alerts()} ORDER BY a.raised_at, a.id"
            case "treatments":
                body = f"{self.treatments()} ORDER BY p.code, t.number, t.id"
            case _:
                body = f"{self.messages()} ORDER BY p.code, m.id"
        return (self._select(columns, body),)

    def _answers(self, columns: tuple[Column, ...]) -> tuple[Select, ...]:
        """Answers to check-ins, answers outside any, and questions without an answer."""
        order = "ORDER BY p.code, t.number, c.due_at, c.id"
        return (
            self._select(columns, f"{self._given()} {order}, r.id"),
            self._select(columns, f"{self.loose()} ORDER BY p.code, r.id"),
            self._select(columns, f"{self._missing()} {order}", missing=True),
        )

    def wide(self) -> Select:
        """Check-ins with the answers that count, in order of check-in, for turning on their side."""
        body = (
            "FROM patient p JOIN treatment t ON t.patient_id = p.id JOIN check_in c ON c.treatment_id = t.id"
            " LEFT JOIN response r ON r.check_in_id = c.id AND NOT r.superseded"
            f" WHERE {self.where(self.check_in_conditions())} ORDER BY p.code, t.number, c.due_at, c.id"
        )
        fixed = self._columns(WIDE_FIXED, "")
        return self._select((*fixed, *WIDE_ANSWER), body, reason=WIDE_REASON)

    def scored(self, columns: tuple[Column, ...], item_ids: Sequence[str]) -> Select:
        """Answers that count, to the questions of questionnaires, in order of check-in."""
        asked = ", ".join(quoted(each) for each in item_ids)
        body = f"{self._given()} AND NOT r.superseded AND r.item_id IN ({asked})"
        return self._select(
            self._columns(columns, ""), f"{body} ORDER BY p.code, t.number, c.due_at, c.id, r.id"
        )

    def items(self) -> str:
        """The ids of all questions with an answer in the export."""
        return f"SELECT DISTINCT r.item_id {self._given()} ORDER BY 1"

    def _columns(self, columns: Iterable[Column], row: str) -> tuple[Column, ...]:
        hidden = HIDDEN_FOR_WORDS if row else ()
        read = [each for each in (*columns, *hidden) if each.source]
        return tuple(
            Column(
                each.name, each.kind, each.meaning, each.source.replace("{row}", row), missing=each.missing
            )
            for each in read
        )

    def _select(
        self, columns: tuple[Column, ...], body: str, *, missing: bool = False, reason: str = REASON
    ) -> Select:
        def source(column: Column) -> str:
            found = column.missing if missing and column.missing is not None else column.source
            return found.replace("{reason}", reason).replace("{rules}", self._rules())

        listed = ", ".join(f"{source(each)} AS {each.name}" for each in columns)
        query = f"SELECT {listed} {body}"
        if not self.sqlite:
            return Select(query, columns)
        # SQLite has no column types a reader could trust: a first row of the right kinds gives them.
        typing = ", ".join(f"{TYPING[each.kind]} AS {each.name}" for each in columns)
        return Select(f"SELECT {typing} UNION ALL SELECT * FROM ({query})", columns)

    def _given(self) -> str:
        return (
            "FROM patient p JOIN treatment t ON t.patient_id = p.id JOIN check_in c ON c.treatment_id = t.id"
            " JOIN response r ON r.check_in_id = c.id"
            f" WHERE {self.where([*self.check_in_days(), *self.touched()])}"
        )

    def loose(self) -> str:
        conditions = ["r.check_in_id IS NULL", *self._days("r.answered_at", "p.zone"), *self._learned()]
        return (
            "FROM response r JOIN patient p ON p.id = r.patient_id"
            f" LEFT JOIN treatment t ON t.id = {self._treatment_before('r.answered_at')}"
            " LEFT JOIN check_in c ON c.id = r.check_in_id"
            f" WHERE {self.where(conditions)}"
        )

    def _missing(self) -> str:
        answered = (
            "SELECT 1 FROM response r WHERE r.check_in_id = c.id AND r.item_id = i.value AND NOT r.superseded"
        )
        conditions = [*self.check_in_conditions(), self.counted(), f"NOT EXISTS ({answered})"]
        return (
            "FROM patient p JOIN treatment t ON t.patient_id = p.id JOIN check_in c ON c.treatment_id = t.id"
            f" CROSS JOIN {self.listed()} WHERE {self.where(conditions)}"
        )

    def listed(self) -> str:
        return "json_each(c.items) AS i" if self.sqlite else "json_array_elements_text(c.items) AS i(value)"

    def counted(self, item: str = "i.value") -> str:
        if not self.chosen.conditional:
            return "1 = 1"
        return f"{item} NOT IN ({', '.join(quoted(each) for each in self.chosen.conditional)})"

    def was_listed(self) -> str:
        if self.sqlite:  # the list is JSON text of plain ids: looking for one is faster than parsing it
            return f"instr(c.items, '\"' || r.item_id || '\"') > 0 AND {self.counted('r.item_id')}"
        return f"EXISTS (SELECT 1 FROM {self.listed()} WHERE i.value = r.item_id AND {self.counted()})"

    def _rules(self) -> str:
        joined = "group_concat(f.rule_id, '+')" if self.sqlite else "string_agg(f.rule_id, '+')"
        return (
            f"(SELECT {joined} FROM (SELECT DISTINCT rule_id FROM finding"
            " WHERE finding.alert_id = a.id AND NOT finding.shadow ORDER BY rule_id) f)"
        )

    def _alerts(self) -> str:
        return (
            "FROM alert a LEFT JOIN patient p ON p.id = a.patient_id"
            f" LEFT JOIN treatment t ON t.id = {self._treatment_before('a.raised_at')} {self._alert_where()}"
        )

    def alerts_only(self) -> str:
        return f"FROM alert a LEFT JOIN patient p ON p.id = a.patient_id {self._alert_where()}"

    def _alert_where(self) -> str:
        conditions = self._days("a.raised_at", "coalesce(p.zone, 'UTC')")
        if self.chosen.since:
            steps = ("raised_at", "seen_at", "claimed_at", "contacted_at", "resolved_at")
            since = self.instant(self.chosen.since)
            conditions.append("(" + " OR ".join(f"a.{step} > {since}" for step in steps) + ")")
        if self.chosen.patient:
            conditions.append(f"p.code = {quoted(self.chosen.patient)}")
        if self.chosen.site:
            conditions.append(f"a.site_id = {quoted(self.chosen.site)}")
        return "WHERE " + (" AND ".join(conditions) or "1 = 1")

    def treatments(self) -> str:
        conditions = self._days("t.ended_at", "t.zone")
        if self.chosen.since:
            conditions.append(f"t.created_at > {self.instant(self.chosen.since)}")
        return f"FROM treatment t JOIN patient p ON p.id = t.patient_id WHERE {self.where(conditions)}"

    def messages(self) -> str:
        conditions = self._days("m.sent_at", "p.zone")
        if self.chosen.since:
            conditions.append(f"m.received_at > {self.instant(self.chosen.since)}")
        return f"FROM message m JOIN patient p ON p.id = m.patient_id WHERE {self.where(conditions)}"

    def _treatment_before(self, at: str) -> str:
        return (
            "(SELECT x.id FROM treatment x WHERE x.patient_id = p.id AND x.status = 'given'"
            f" AND x.ended_at <= {at} ORDER BY x.ended_at DESC, x.id LIMIT 1)"
        )

    def check_in_days(self) -> list[str]:
        return self._days("c.due_at", "c.zone")

    def check_in_conditions(self) -> list[str]:
        now = self.instant(self.chosen.now)
        conditions = [*self.check_in_days(), f"(c.status <> 'planned' OR c.due_at <= {now})"]
        if self.chosen.since:
            ended = f"coalesce(c.finished_at, c.closes_at) > {self.instant(self.chosen.since)}"
            conditions.append(f"({ended} OR {self._has_new_answer()}) AND c.due_at <= {now}")
        return conditions

    def not_due(self) -> list[str]:
        now = self.instant(self.chosen.now)
        return [*self.check_in_days(), f"c.status = 'planned' AND c.due_at > {now}"]

    def touched(self) -> list[str]:
        """Conditions on a check-in with answers: with anything new in it, it comes whole.

        So a score is added up from all its answers, and whatever is imported again replaces itself.
        """
        return [self._has_new_answer()] if self.chosen.since else []

    def _has_new_answer(self) -> str:
        since = self.instant(self.chosen.since or self.chosen.now)
        return f"EXISTS (SELECT 1 FROM response n WHERE n.check_in_id = c.id AND n.received_at > {since})"

    def _learned(self) -> list[str]:
        if not self.chosen.since:
            return []
        since = self.instant(self.chosen.since)
        replaced = f"SELECT 1 FROM response n WHERE n.supersedes = r.id AND n.received_at > {since}"
        return [f"(r.received_at > {since} OR EXISTS ({replaced}))"]

    def where(self, conditions: Sequence[str]) -> str:
        chosen = list(conditions)
        if self.chosen.patient:
            chosen.append(f"p.code = {quoted(self.chosen.patient)}")
        if self.chosen.site:
            chosen.append(f"p.site_id = {quoted(self.chosen.site)}")
        return " AND ".join(chosen) or "1 = 1"

    def _days(self, instant: str, zone: str) -> list[str]:
        conditions = []
        if self.chosen.from_on:
            conditions.append(f"{instant} >= {self._day_begins(zone, self.chosen.from_on)}")
        if self.chosen.to_on:
            conditions.append(f"{instant} < {self._day_begins(zone, self.chosen.to_on + timedelta(days=1))}")
        return conditions

    def _day_begins(self, zone: str, day: date) -> str:
        cases = " ".join(
            f"WHEN {quoted(name)} THEN {self.instant(midnight(day, name))}" for name in self.chosen.zones
        )
        return f"CASE {zone} {cases} ELSE {self.instant(midnight(day, 'UTC'))} END"

    def instant(self, at: datetime) -> str:
        text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return f"'{text}'" if self.sqlite else f"TIMESTAMPTZ '{text}'"


def midnight(day: date, zone: str) -> datetime:
    """Return the instant a local day begins."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def quoted(value: str) -> str:
    """Return `value` as an SQL string."""
    return "'" + value.replace("\x00", "").replace("'", "''") + "'"
