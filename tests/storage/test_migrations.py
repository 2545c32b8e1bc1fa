"""Moving a database from each earlier shape to this program's, with everything in it, on both engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, MetaData, column, insert, inspect, select, table, update
from sqlmodel import SQLModel

from storage import migrations
from storage.database import Database
from storage.tables import Alert, CheckIn, Inbox, Outbox, Patient, Response, Site, Staff, Treatment
from storage.vault import Vault, make_secrets
from tests.storage.test_constraints import LEGAL, NOW

EARLIER = sorted(migrations.known() - {migrations.newest()})
SEALED = b"sealed long ago"
ROWS: list[tuple[type[SQLModel], dict[str, Any]]] = [
    (Site, {"id": "s"}),
    (Patient, {**LEGAL[Patient], "id": "p", "chat_hash": "chat", "chat_sealed": SEALED}),
    (Staff, {**LEGAL[Staff], "id": "d"}),
    (Treatment, {**LEGAL[Treatment], "id": "t"}),
    (CheckIn, LEGAL[CheckIn]),
    (Response, LEGAL[Response]),
    (Alert, LEGAL[Alert]),
    (Inbox, {**LEGAL[Inbox], "patient_id": "p", "raw_sealed": SEALED}),
    (Outbox, {**LEGAL[Outbox], "patient_id": "p", "payload_sealed": SEALED}),
    (Outbox, {**LEGAL[Outbox], "id": "o2", "state": "sent", "sent_at": NOW}),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, vault: Vault) -> Database:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server").empty_database()
    return Database.open(url, vault, create=True)


def fill(connection: Connection) -> None:
    """One row of each kind, with the columns that the tables have at this revision."""
    for kind, values in ROWS:
        model = SQLModel.metadata.tables[kind.__tablename__]
        present = {each["name"] for each in inspect(connection).get_columns(model.name)}
        whole = {**kind(**values).model_dump(), **values}
        old = table(model.name, *(column(name, model.columns[name].type) for name in present))
        connection.execute(insert(old), {name: value for name, value in whole.items() if name in present})


def contents(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    tables = MetaData()
    tables.reflect(connection)
    return {
        name: [dict(row) for row in connection.execute(select(each).order_by(*each.primary_key)).mappings()]
        for name, each in tables.tables.items()
        if name != "alembic_version"
    }


@pytest.mark.parametrize("earlier", EARLIER)
def test_every_row_of_an_earlier_shape_comes_along(empty, earlier, vault):
    with empty.building() as tx:
        migrations.upgrade(tx.connection(), earlier)
        fill(tx.connection())
        if inspect(tx.connection()).has_table("secret"):
            make_secrets(tx)
        before = contents(tx.connection())
    db = Database.open(empty.place.render_as_string(hide_password=False), vault)
    db.migrate()
    with db.engine.connect() as connection:
        after = contents(connection)
        assert migrations.present(connection) == migrations.newest()
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
        assert checks(connection) == checks_of_the_program()
    for name, rows in before.items():
        assert [{key: row[key] for key in old} for row, old in zip(after[name], rows, strict=True)] == rows
    assert len(after["secret"]) == 2
    db.close()


def test_a_new_database_has_every_rule_of_the_program(database):
    with database.engine.connect() as connection:
        assert checks(connection) == checks_of_the_program()


def checks(connection: Connection) -> set[tuple[str, str]]:
    looking = inspect(connection)
    return {
        (name, str(rule["name"]))
        for name in looking.get_table_names()
        for rule in looking.get_check_constraints(name)
    }


def checks_of_the_program() -> set[tuple[str, str]]:
    return {
        (each.name, str(rule.name))
        for each in SQLModel.metadata.sorted_tables
        for rule in each.constraints
        if isinstance(rule, CheckConstraint)
    }


@pytest.mark.parametrize(
    ("status", "before", "after"),
    [
        pytest.param("skipped", "paused", "paused", id="a reason of today"),
        pytest.param("skipped", "could not be handled: KeyError", "could not be handled", id="with an error"),
        pytest.param("superseded", "", "could not be handled", id="none, where there must be one"),
        pytest.param("missed", "", "", id="none, where none is needed"),
    ],
)
def test_reasons_of_an_earlier_program_become_known_ones(empty, vault, status, before, after):
    with empty.building() as tx:
        migrations.upgrade(tx.connection(), "0002")
        fill(tx.connection())
        make_secrets(tx)
        changed = update(CheckIn).values(status=status, reason=before)
        tx.execute(changed)
    db = Database.open(empty.place.render_as_string(hide_password=False), vault)
    db.migrate()
    with db.engine.connect() as connection:
        assert connection.scalar(select(column("reason")).select_from(table("check_in"))) == after
    db.close()


def test_a_step_that_fails_leaves_the_database_as_it_was(empty):
    with pytest.raises(RuntimeError), empty.building() as tx:
        migrations.upgrade(tx.connection(), EARLIER[0])
        raise RuntimeError
    with empty.engine.connect() as connection:
        assert migrations.present(connection) is None
        assert inspect(connection).get_table_names() == []
    empty.close()


def test_two_programs_that_start_at_once_migrate_once(empty, vault):
    other = Database.open(empty.place.render_as_string(hide_password=False), vault, create=True)
    empty.migrate()
    other.migrate()
    other.check()
    for db in (empty, other):
        db.close()
