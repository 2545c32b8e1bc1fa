"""What every fault is tried on."""

from __future__ import annotations

import pytest

from bot.content import Content, load_content


@pytest.fixture(scope="session")
def content() -> Content:
    """The content that comes along, read once."""
    return load_content()
