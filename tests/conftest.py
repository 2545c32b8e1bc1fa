"""Fixtures shared by every test, and how hard the property tests look."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.databases", "tests.sandbox_fixture"]

settings.register_profile("default", deadline=None, max_examples=40)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=5000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    print_blob=True,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

SLOW_ON_TWO_ENGINES = ("tests/flows", "tests/stories", "tests/faults", "tests/export", "tests/rim")
NOT_HURRIED = ("_postgresql_", "_by_webhook_somebody", "_by_webhook_silence")
"""Tests of the whole program that take ten seconds each: for the targets that have the time."""

ALWAYS_BOTH = ("test_b_database", "test_at_once", "test_g_load")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the PostgreSQL half of what is played through flows to the targets that have the time.

    Storage, the database's own faults and everything about two at once run on both engines always;
    the rest does when ENGINES=both (as in `make stories`, `make faults` and `make engines`).
    """
    if os.environ.get("ENGINES") == "both":
        return
    left = [item for item in items if _second_engine(item)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]


def _second_engine(item: pytest.Item) -> bool:
    place = item.path.relative_to(item.config.rootpath).as_posix()
    spec = getattr(item, "callspec", None)
    engine = spec.params.get("database_url") if spec else None
    played = place.startswith(SLOW_ON_TWO_ENGINES) and not any(each in place for each in ALWAYS_BOTH)
    return played and (engine == "postgresql" or any(each in item.name for each in NOT_HURRIED))
