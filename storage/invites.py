"""Invites: one-time codes for a patient or for a member of staff, kept as keyed hashes."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from storage.ids import new_id
from storage.tables import Invite
from storage.vault import token_hash

CODE_BYTES = 16  # 22 characters of A-Za-z0-9_-: fits a deep link's payload


def make(
    tx: Session,
    site_id: str,
    now: datetime,
    *,
    expires_at: datetime,
    by: str,
    patient_id: str | None = None,
    role: str | None = None,
    staff_name: str = "",
) -> str:
    """Store an invite and return its code, which is nowhere kept and cannot be shown again."""
    code = secrets.token_urlsafe(CODE_BYTES)
    tx.add(
        Invite(
            id=new_id(now),
            site_id=site_id,
            code_hash=token_hash(tx, code),
            patient_id=patient_id,
            role=role,
            staff_name=staff_name,
            created_by=by,
            created_at=now,
            expires_at=expires_at,
        )
    )
    tx.flush()
    return code


def find(tx: Session, code: str) -> Invite | None:
    """Return the invite with this code, used and expired ones included, locked."""
    wanted = select(Invite).where(col(Invite.code_hash) == token_hash(tx, code))
    return tx.scalars(wanted.with_for_update()).first()
