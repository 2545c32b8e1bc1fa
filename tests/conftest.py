"""Fixtures shared by every test."""

pytest_plugins = ["tests.databases", "tests.sandbox_fixture"]
