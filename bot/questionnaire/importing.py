"""Bringing in a questionnaire that others published as FHIR R4."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.care.scoring import Instrument
from bot.content.crosscheck import check_asked
from bot.content.items import load_items
from bot.content.source import ContentError, Document, Problem
from bot.questionnaire.drafting import Draft, draft_of
from bot.questionnaire.sheet import Findings, Sheet, parsed, read_sheet
from bot.questionnaire.toml_text import instrument_toml
from bot.questionnaire.valuesets import AnswerLists

UNSTATED = "not stated by the publisher; ask before use"
NEW_LANGUAGE = "missing"


@dataclass(frozen=True)
class Imported:
    """An imported instrument: its file, and by name every feature that could not be carried."""

    id: str
    toml_text: str
    notes: tuple[str, ...]


def import_questionnaire(
    json_text: str,
    valuesets: Sequence[tuple[str, str]] = (),
    *,
    file: str = "questionnaire",
    languages: Sequence[str] = ("en", "es"),
) -> Imported:
    """Return an instrument of ours for a FHIR Questionnaire.

    `valuesets` are (file name, JSON text) of ValueSets, CodeSystems or Bundles of them. `languages` are
    those of the clinic's content: where the questionnaire has no words in one, the file says so.

    Raises:
        ContentError: the questionnaire cannot be used; it carries every problem.
    """
    findings = Findings(file)
    sheet = read_sheet(json_text, findings)
    supplied = []
    for name, text in valuesets:
        own = Findings(name)
        supplied.append(parsed(text, own))
        findings.problems += own.problems
    if sheet is None:
        raise ContentError(findings.problems)
    contained = sheet.header.get("contained")
    draft = draft_of(sheet, AnswerLists(contained if isinstance(contained, list) else [], supplied), findings)
    if not draft.items and not findings.problems:
        findings.add("asks nothing that can be carried")
    if findings.problems:
        raise ContentError(findings.problems)
    text = _toml(sheet, draft, languages)
    _check_loads(text, draft.id, file)
    return Imported(draft.id, text, tuple(_counted(draft)))


def import_file(
    source: Path, valuesets: Sequence[Path], out: Path, languages: Sequence[str] = ("en", "es")
) -> tuple[Path, Imported]:
    """Import one file into the folder `out` and return the file written; whole or not at all.

    Raises:
        ContentError: a file cannot be read, the questionnaire cannot be used, or the target exists.
    """
    texts = [(path.name, _read(path)) for path in (source, *valuesets)]
    imported = import_questionnaire(texts[0][1], texts[1:], file=source.name, languages=languages)
    target = out / f"{imported.id}.toml"
    if target.exists():
        raise ContentError([Problem(str(target), "exists already; move it away first", folder="")])
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write_whole(target, imported.toml_text)
    except OSError as error:
        raise ContentError(
            [Problem(str(target), f"cannot be written: {error.strerror}", folder="")]
        ) from None
    return target, imported


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContentError([Problem(path.name, "is not UTF-8; save it as UTF-8", folder="")]) from None
    except OSError as error:
        raise ContentError([Problem(str(path), f"cannot be read: {error.strerror}", folder="")]) from None


def _write_whole(target: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".import-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _toml(sheet: Sheet, draft: Draft, languages: Sequence[str]) -> str:
    header = sheet.header
    wanted = dict.fromkeys([*languages, *draft.words])
    complete = {code for code, words in draft.words.items() if len(words) == len(draft.items)}
    for code in draft.words.keys() - complete:
        missing = len(draft.items) - len(draft.words[code])
        draft.notes[f"translation into {code!r}: {missing} of {len(draft.items)} questions have none"] += 1
    instrument = Instrument(
        id=draft.id,
        title=_text(header, "title") or _text(header, "name") or draft.id,
        licence=_text(header, "copyright") or UNSTATED,
        source=_text(header, "publisher") or _text(header, "url") or "not stated by the publisher",
        version=_text(header, "version"),
        url=_text(header, "url"),
        loinc=_panel_code(sheet),
        items=tuple(item.id for item in draft.items),
        scores=tuple(draft.scores),
        language_status={
            code: "draft" if code in complete else NEW_LANGUAGE
            for code in wanted
            if code != draft.language or code not in complete
        },
    )
    words = {code: given for code, given in draft.words.items() if code in complete}
    head = "# Imported from a FHIR Questionnaire. Read every line before patients are asked.\n"
    return instrument_toml(instrument, draft.items, words, head)


def _text(header: object, key: str) -> str:
    given = header.get(key) if isinstance(header, dict) else None
    return " ".join(given.split()) if isinstance(given, str) else ""


def _panel_code(sheet: Sheet) -> str:
    codings = sheet.header.get("code")
    given = [each for each in codings if isinstance(each, dict)] if isinstance(codings, list) else []
    return next((str(each.get("code")) for each in given if each.get("system") == "http://loinc.org"), "")


def _counted(draft: Draft) -> list[str]:
    return [what if times == 1 else f"{what}, {times} times" for what, times in sorted(draft.notes.items())]


def _check_loads(text: str, name: str, file: str) -> None:
    """Raise when our own loader would refuse what was made."""
    problems: list[Problem] = []
    asked = load_items([Document(f"instruments/{name}.toml", tomllib.loads(text), text)], problems)
    problems += check_asked(asked)
    if problems:
        raise ContentError([Problem(file, each.what, folder="") for each in problems])
