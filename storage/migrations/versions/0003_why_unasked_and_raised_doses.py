"""Whether a treatment's dose was raised, and only known reasons for a check-in that was not asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("treatment", table_args=_named(KEPT_TREATMENT)) as batch_op:
        batch_op.add_column(sa.Column("increased", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        f"UPDATE check_in SET reason = 'could not be handled' WHERE reason NOT IN ({KNOWN})"
        " OR (status IN ('skipped', 'superseded') AND reason = '')"
    )
    with op.batch_alter_table("check_in", table_args=_named(KEPT_CHECK_IN)) as batch_op:
        for name, rule in ADDED_CHECK_IN.items():
            batch_op.create_check_constraint(name, rule)


def _named(rules: dict[str, str]) -> tuple[sa.CheckConstraint, ...]:
    """Return CHECKs to keep: SQLite copies the table and forgets those it has."""
    return tuple(sa.CheckConstraint(rule, name=name) for name, rule in rules.items())


KNOWN = (
    "'', 'quiet hours leave no room', 'its window was over before it was planned', "
    "'the same form was asked too few days before', 'its window was over before it could be sent', "
    "'nothing to ask', 'could not be handled', 'superseded by a later treatment', "
    "'the treatment was cancelled', 'invited', 'consenting', 'paused', 'withdrawn', 'unreachable', 'erased'"
)
KEPT_TREATMENT = {"status_known": "status IN ('given', 'planned', 'cancelled')"}
KEPT_CHECK_IN = {
    "status_known": (
        "status IN ('planned', 'open', 'answered', 'partial', 'missed', 'skipped', 'superseded')"
    ),
    "window_is_positive": "due_at < closes_at",
    "open_has_time": "status <> 'open' OR opened_at IS NOT NULL",
}
ADDED_CHECK_IN = {
    "reason_known": f"reason IN ({KNOWN})",
    "skipped_has_reason": "status NOT IN ('skipped', 'superseded') OR reason <> ''",
}
