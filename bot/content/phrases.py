"""Reading the phrase rules of `prompts/rules/phrases` into a PhraseBook."""

from __future__ import annotations

from collections.abc import Sequence

import re2

from bot.care.level import Level
from bot.care.phrases import Phrase, PhraseBook
from bot.content.source import Document, Problem


def load_phrases(documents: Sequence[Document], problems: list[Problem]) -> PhraseBook:
    """Return the phrase book these documents describe; what is wrong with them is added to `problems`."""
    phrases = [
        Phrase(
            entry["rule"], Level.from_key(entry["level"]), entry.get("told", ""), entry.get("asks", False),
            re2.compile("|".join(entry["say"])),
        )
        for document in documents
        for entry in document.data.get("phrase", ())
    ]
    if not phrases:
        problems.append(Problem("rules/phrases", "holds no phrase"))
    return PhraseBook(phrases)
