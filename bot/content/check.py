"""The content as a medical director reads it before signing: rules, numbers, words, burden, drafts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from bot.care.instrument import ItemKind
from bot.care.level import Level
from bot.care.questions import questions_per_week, typical_course
from bot.content import Content, stale_numbers
from bot.content.reading import FORMULAS, LIMIT, Grade, measure, measure_all
from bot.content.rule_words import policy_line, rule_lines
from bot.content.source import read_document
from bot.content.wording import Wording

A_MONDAY = datetime(2026, 11, 2, 10, tzinfo=UTC)
PATIENT_TEXTS = ("messages.", "patient.")
NOT_SENTENCES = ("patient.typed.", "patient.calendar.", "patient.language.unknown_words")
SAMPLE = "7"  # stands for a placeholder that no site fills


def report(content: Content, today: date | None = None) -> str:
    """Return the summary. `today` is the day the age of the crisis numbers is counted to."""
    sections = (
        ("What is still a draft", drafts(content)),
        ("Rules on answers, most urgent first", _rules(content)),
        ("Rules on words", _phrases(content)),
        ("Who is paged", _policies(content)),
        ("Reading grades", _grades(content)),
        ("Questions asked, by protocol", _burden(content)),
        ("Instruments", _instruments(content)),
        ("Crisis numbers", _numbers(content, today)),
    )
    lines = [f"Content {content.version[:12]}: no problems found."]
    for title, body in sections:
        lines += ["", title, *(f"  {line}" for line in body)]
    lines += ["", "Approved by: ______________________   on: ____________", f"for content {content.version}"]
    return "\n".join(lines)


def drafts(content: Content) -> list[str]:
    """Return a line for everything nobody has put a name to."""
    lines = [
        f"Language {code} ({each.language.name}): no reviewer is named in wording/{code}/language.toml"
        for code, each in content.languages.items()
        if each.language.draft
    ]
    for instrument in content.instruments.values():
        for code, status in instrument.language_status.items():
            words = (
                "has no words; it is shown in another language" if status == "missing" else f"is a {status}"
            )
            lines.append(f"Instrument {instrument.id} in {code} {words}")
    lines += [
        f"Protocol {each.id}: status {each.status!r}, approved by {each.approved_by or 'nobody'}"
        for each in content.protocols.values()
        if each.status == "draft" or not each.approved_by
    ]
    lines += [
        f"Site {each.id}: approved by nobody" for each in content.sites.values() if not each.approved_by
    ]
    return lines + _draft_files(content)


def _draft_files(content: Content) -> list[str]:
    """Return the rule and policy files that say of themselves, or of an entry, that they are drafts."""
    lines = []
    for path in [
        *sorted((content.folder / "rules").rglob("*.toml")),
        content.folder / "escalation_policy.toml",
        content.folder / "conduct.toml",
    ]:
        document = read_document(content.folder, path, [])
        if document is None:
            continue
        marked = sum(
            line.split("#")[0].replace(" ", "") == 'status="draft"' for line in document.text.splitlines()
        )
        if marked:
            lines.append(f"{document.file}: {marked} marked as draft")
    return lines


def _rules(content: Content) -> Iterator[str]:
    words = content.wording("en").items
    names = {item_id: words[item_id].short or item_id for item_id in content.items}
    graded = {item_id for item_id, item in content.items.items() if item.kind is ItemKind.GRADE}
    for rule in sorted(content.rules.rules, key=lambda each: (-each.level, each.id)):
        yield from rule_lines(rule, names, graded)
    for each in content.rules.together:
        yield f"{each.id}. {each.says}"


def _phrases(content: Content) -> Iterator[str]:
    """Yield each rule on words with how many ways of saying it are listened for."""
    counted: dict[tuple[int, str], list[int]] = {}
    for phrase in content.phrases.phrases:
        entry = counted.setdefault((-phrase.level, phrase.rule_id), [0, 0])
        entry[0] += 1
        entry[1] += len(phrase.written)
    for (level, rule_id), (phrases, patterns) in sorted(counted.items()):
        yield f"{rule_id} ({Level(-level).key}): {patterns} ways of saying it in {phrases} phrases"


def _policies(content: Content) -> Iterator[str]:
    for policy in sorted(content.policies.values(), key=lambda each: -each.level):
        yield policy_line(policy)


def _grades(content: Content) -> Iterator[str]:
    for code, wording in content.languages.items():
        if code not in FORMULAS:
            yield f"{code}: not measured; there is no formula for this language"
            continue
        texts = patient_texts(content, wording)
        whole = measure_all(texts.values(), code)
        yield f"{code}: grade {shown(whole)} over {whole.words} words ({FORMULAS[code][0]}); limit {LIMIT:g}"
        for key, grade in hardest(texts, code)[:5]:
            mark = "  above the limit" if (grade.grade or 0) > LIMIT else ""
            yield f"    {key}: {shown(grade)}{mark}"


def patient_texts(content: Content, wording: Wording) -> dict[str, str]:
    """Return everything a patient reads but published instruments, placeholders filled."""
    site = next(iter(content.sites.values()), None)
    values = _Sample(site.fill(wording.language) if site else {})
    texts = {
        key: sentence.format_map(values)
        for key, sentence in wording.sentences.items()
        if key.startswith(PATIENT_TEXTS) and not key.startswith(NOT_SENTENCES)
    }
    for item_id, words in wording.items.items():
        if not content.items[item_id].instrument:
            texts[f"item {item_id}"] = "\n".join(
                [words.question, words.low, words.high, *words.options.values()]
            )
    return texts


class _Sample(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return SAMPLE


def hardest(texts: dict[str, str], language: str) -> list[tuple[str, Grade]]:
    """Return the texts that can be measured, hardest first."""
    measured = [(key, measure(text, language)) for key, text in texts.items()]
    graded = [(key, grade) for key, grade in measured if grade.grade is not None]
    return sorted(graded, key=lambda each: -(each[1].grade or 0))


def shown(grade: Grade) -> str:
    return "-" if grade.grade is None else f"{grade.grade:.1f}"


def _burden(content: Content) -> Iterator[str]:
    for protocol in content.protocols.values():
        per_week = questions_per_week(protocol, typical_course(protocol, A_MONDAY, ZoneInfo("UTC")))
        weeks = ", ".join(f"week {week}: {count}" for week, count in per_week.items() if week)
        yield f"{protocol.name} ({protocol.id}): before {per_week.get(0, 0)}; {weeks}"


def _instruments(content: Content) -> Iterator[str]:
    for each in content.instruments.values():
        yield f"{each.id}: {each.title}. Licence: {each.licence} Source: {each.source}"


def _numbers(content: Content, today: date | None) -> Iterator[str]:
    for site in content.sites.values():
        for kind, number in site.numbers.items():
            yield f"{site.id} {kind}: {number.number}, verified on {number.verified_on} ({number.source})"
    if today:
        yield from (f"TOO OLD: {line}" for line in stale_numbers(content, today))
