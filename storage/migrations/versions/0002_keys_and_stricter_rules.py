"""Keys of the database's own, what a page and an answer came with, and stricter rules for states."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.tables import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "secret",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("asked_until", Instant(), nullable=True))

    with op.batch_alter_table("check_in", schema=None) as batch_op:
        batch_op.add_column(sa.Column("remind_at", Instant(), nullable=True))
        batch_op.create_index(batch_op.f("ix_check_in_remind_at"), ["remind_at"], unique=False)

    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("outbox_waiting"))
        batch_op.create_index("outbox_waiting", ["state", "lane", "id"], unique=False)
        batch_op.create_index("outbox_of_chat", ["chat_hash", "state", "lane"], unique=False)

    with op.batch_alter_table("page", schema=None) as batch_op:
        batch_op.add_column(sa.Column("outbox_id", sa.String(26), nullable=True))

    with op.batch_alter_table("response", schema=None) as batch_op:
        batch_op.add_column(sa.Column("message_id", sa.BigInteger(), nullable=True))

    _stricter("patient", KEPT_PATIENT, {"erased_has_no_chat": ERASED})
    _stricter("inbox", KEPT_INBOX, {"handled_has_time": "state = 'new' OR done_at IS NOT NULL"})
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("sending_has_lease", "outbox", type_="check")
    _stricter("outbox", KEPT_OUTBOX, {"sending_has_lease": SENDING, "sent_has_time": SENT})


def _stricter(table: str, kept: dict[str, str], added: dict[str, str]) -> None:
    """Add CHECKs. SQLite copies the table for it and forgets those it has, so they are named again."""
    again = [sa.CheckConstraint(rule, name=name) for name, rule in kept.items()]
    with op.batch_alter_table(table, table_args=tuple(again)) as batch_op:
        for name, rule in added.items():
            batch_op.create_check_constraint(name, rule)


ERASED = "status <> 'erased' OR (chat_hash IS NULL AND chat_sealed IS NULL)"
SENDING = "state <> 'sending' OR (lease_until IS NOT NULL AND lease_owner <> '')"
SENT = "state <> 'sent' OR sent_at IS NOT NULL"

KEPT_PATIENT = {
    "status_known": (
        "status IN ('invited', 'consenting', 'active', 'paused', 'withdrawn', 'unreachable', 'erased')"
    ),
    "active_has_consent": (
        "status NOT IN ('active', 'paused') OR (consent_at IS NOT NULL AND chat_hash IS NOT NULL)"
    ),
}
KEPT_INBOX = {
    "state_known": "state IN ('new', 'done', 'dead')",
}
KEPT_OUTBOX = {
    "kind_known": (
        "kind IN ('page', 'safety', 'relay', 'notice', 'card', 'reminder', 'edit', "
        "'answer', 'menu', 'document')"
    ),
    "lane_known": "lane IN ('alert', 'routine')",
    "state_known": "state IN ('pending', 'sending', 'sent', 'uncertain', 'failed', 'cancelled')",
}
