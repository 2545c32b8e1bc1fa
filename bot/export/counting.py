"""What an export must hold, counted by the database by another way than the rows are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.care.scoring import Instrument
from bot.export.select import Builder, quoted

CHECK_INS = "check_in c JOIN treatment t ON t.id = c.treatment_id JOIN patient p ON p.id = t.patient_id"


def counts(builder: Builder, instruments: Mapping[str, Instrument]) -> dict[str, str]:
    """Return a query for every number that the files are held against.

    The rows are read from the patient down and shaped here; these count from the other end, each fact
    in its own table.
    """
    due = builder.where(builder.check_in_conditions())
    with_answers = builder.where([*builder.check_in_days(), *builder.touched()])
    touched = f"SELECT c.id FROM {CHECK_INS} WHERE {with_answers}"
    not_due = builder.where(builder.not_due())
    return {
        "answers": f"SELECT count(*) FROM response r WHERE r.check_in_id IN ({touched})",
        "answers_outside": f"SELECT count(*) {builder.loose()}",
        "expected": (
            f"SELECT count(*) FROM {CHECK_INS} CROSS JOIN {builder.listed()}"
            f" WHERE {due} AND {builder.counted()}"
        ),
        "covered": (
            f"SELECT count(*) FROM {CHECK_INS} JOIN response r ON r.check_in_id = c.id"
            f" WHERE {due} AND NOT r.superseded AND {builder.was_listed()}"
        ),
        "check_ins": f"SELECT count(*) FROM {CHECK_INS} WHERE {due}",
        "check_ins_answered": (
            "SELECT count(DISTINCT r.check_in_id) FROM response r"
            f" WHERE NOT r.superseded AND r.check_in_id IN ({touched})"
        ),
        "check_ins_not_due": f"SELECT count(*) FROM {CHECK_INS} WHERE {not_due}",
        "alerts": f"SELECT count(*) {builder.alerts_only()}",
        "treatments": f"SELECT count(*) {builder.treatments()}",
        "messages": f"SELECT count(*) {builder.messages()}",
        "scores": _scores(touched, instruments),
    }


def _scores(check_ins: str, instruments: Mapping[str, Instrument]) -> str:
    """One for every check-in and score of which any question has an answer that counts."""
    groups = [score.items for each in instruments.values() for score in each.scores]
    if not groups:
        return "SELECT 0"
    begun = " + ".join(f"max(CASE WHEN r.item_id IN ({_listed(each)}) THEN 1 ELSE 0 END)" for each in groups)
    asked = _listed(dict.fromkeys(item for each in groups for item in each))
    return (
        f"SELECT coalesce(sum(begun), 0) FROM (SELECT {begun} AS begun FROM response r"
        f" WHERE NOT r.superseded AND r.item_id IN ({asked}) AND r.check_in_id IN ({check_ins})"
        " GROUP BY r.check_in_id) AS scored"
    )


def _listed(items: Iterable[str]) -> str:
    return ", ".join(quoted(each) for each in items)
