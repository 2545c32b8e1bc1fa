"""Reading the structured rules of `prompts/rules` into a RuleBook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bot.care.condition import Condition
from bot.care.escalation import Alternatives, Implied, Raised, Rule, RuleBook, Together
from bot.care.instrument import Item, ItemKind
from bot.care.level import Level
from bot.content.rule_cases import problems_of_cases
from bot.content.source import Document, Problem, checked


@dataclass(frozen=True)
class _RaisedEntry:
    __pydantic_config__: ClassVar = {"extra": "forbid"}
    level: str
    when: Alternatives
    told: str = ""
    asks: bool = False


@dataclass(frozen=True)
class _RuleEntry:
    """A rule as a clinician writes it. `fires` and `spares` are its cases; neither may be empty."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    id: str
    level: str
    says: str
    when: Alternatives
    fires: tuple[str, ...]
    spares: tuple[str, ...]
    told: str = ""
    asks: bool = False
    raised: tuple[_RaisedEntry, ...] = ()
    basis: str = ""
    status: str = "draft"


_TOP_KEYS = frozenset({"rule", "together", "implied"})


def load_rules(documents: Sequence[Document], items: Mapping[str, Item], problems: list[Problem]) -> RuleBook:
    """Return the rules these documents describe; what is wrong with them is added to `problems`.

    Every rule's cases are run: a case that does not come out as it says is a problem like any other.
    """
    together: list[Together] = []
    implied: list[Implied] = []
    entries: list[tuple[Document, _RuleEntry]] = []
    for document in documents:
        problems.extend(
            document.problem(f'unknown key "{key}"; known are {", ".join(sorted(_TOP_KEYS))}', key)
            for key in document.data.keys() - _TOP_KEYS
        )
        together.extend(_read(Together, "together", document, problems))
        implied.extend(_read(Implied, "implied", document, problems))
        entries.extend((document, each) for each in _read(_RuleEntry, "rule", document, problems))
    if not entries:
        problems.append(Problem("rules", "holds no structured rule"))
    return _book(entries, tuple(together), tuple(implied), items, problems)


def _read(shape: type[Any], key: str, document: Document, problems: list[Problem]) -> Iterable[Any]:
    for entry in document.data.get(key, ()):
        name = str(entry.get("id", entry.get("item", "")))
        if (read := checked(shape, entry, document, (key, name), problems)) is not None:
            yield read


def _book(
    entries: Sequence[tuple[Document, _RuleEntry]],
    together: tuple[Together, ...],
    implied: tuple[Implied, ...],
    items: Mapping[str, Item],
    problems: list[Problem],
) -> RuleBook:
    rules: dict[str, Rule] = {}
    instruments = frozenset(item.instrument for item in items.values() if item.instrument)
    silent = RuleBook((), together, implied)
    for document, entry in entries:
        if entry.id in rules:
            problems.append(document.problem(f'rule "{entry.id}" is there twice', entry.id))
            continue
        rule = _rule(document, entry, problems)
        if rule is None:
            continue
        rules[entry.id] = rule
        found = list(_problems_of(rule, entry, items, instruments))
        if not found:
            found.extend(problems_of_cases(rule, entry.fires, entry.spares, silent, instruments))
        problems.extend(document.problem(f'rule "{rule.id}": {what}', f'"{rule.id}"') for what in found)
    return RuleBook(tuple(rules.values()), together, implied)


def _rule(document: Document, entry: _RuleEntry, problems: list[Problem]) -> Rule | None:
    try:
        raised = tuple(
            Raised(Level.from_key(each.level), each.when, each.told, each.asks) for each in entry.raised
        )
        return Rule(
            entry.id, Level.from_key(entry.level), entry.says, entry.when, entry.told, entry.asks, raised
        )
    except ValueError as error:
        problems.append(document.problem(f'rule "{entry.id}": {error}', f'"{entry.id}"'))
        return None


def _problems_of(
    rule: Rule, entry: _RuleEntry, items: Mapping[str, Item], instruments: frozenset[str]
) -> Iterable[str]:
    if not entry.fires or not entry.spares:
        yield "has no case that fires or none that does not; write at least one of each"
    if any(not alternative for alternative in rule.when) or not rule.when:
        yield "has an alternative without conditions, which would always fire"
    for condition in rule.conditions:
        if len(condition.subjects) != 1:
            named = ", ".join(condition.subjects) or "nothing"
            yield f"a condition looks at {named}; exactly one of item, score, missed, missed_running, "\
                "silent_days, found is needed"  # fmt: skip
        if condition.found and not condition.within_hours:
            yield "found needs within_hours"
        if condition.score and condition.score not in instruments:
            yield f'there is no instrument "{condition.score}"'
        if condition.item:
            yield from _problems_of_item(condition, items)


def _problems_of_item(condition: Condition, items: Mapping[str, Item]) -> Iterable[str]:
    item = items.get(condition.item)
    if item is None:
        yield f'there is no item "{condition.item}"'
        return
    for name in ("at_least", "at_most"):
        limit = getattr(condition, name)
        if limit is not None and not _on_scale(item, limit):
            lowest, highest = _scale(item)
            yield f'{name} is {limit:g}, but the scale of "{item.id}" runs from {lowest:g} to {highest:g}'
    unknown = set(condition.any_of) - {option.code for option in item.options}
    if unknown and item.kind in (ItemKind.CHOICE, ItemKind.MULTI):
        yield f'"{item.id}" has no option {", ".join(sorted(unknown))}'


def _scale(item: Item) -> tuple[float, float]:
    if item.kind is ItemKind.GRADE:
        return 0, 3
    if item.kind in (ItemKind.CHOICE, ItemKind.MULTI):
        values = [option.value for option in item.options if option.value is not None]
        return (min(values), max(values)) if values else (0, 0)
    return item.lowest, item.highest


def _on_scale(item: Item, limit: float) -> bool:
    lowest, highest = _scale(item)
    return lowest <= limit <= highest
