"""Walking through a check-in: what is asked next, how far it is, and reading typed answers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.care.instrument import NONE, Answer, Item, ItemKind, is_asked

ANSWERED, SKIPPED, UNKNOWN = "answered", "skipped", "unknown"
PICKS = "+"
HALF = "½"
_LOOKS_NUMERIC = re.compile(r"[0-9]")
_CLAUSE_END = re.compile(r"[;!?\n]+|[,.](?![0-9])")
_CLOCK = re.compile(r"([0-9]{1,2})\s*(?:h|:)\s*([0-9]{2})\b")
DIASTOLIC_LOWEST = 20
AMBIGUOUS_CLAUSE_WORDS = 3  # "7, no 8" is two answers; "3, but I took 2 pills" is one


@dataclass(frozen=True)
class TypedWords:
    """What people type instead of tapping, folded by `fold`, in every language of the clinic.

    `options` maps an option as shown to its code. `fillers` are words that may stand around a
    number without changing it ("about", "I guess"); `joins` end a clause ("but").
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    fillers: frozenset[str] = frozenset()
    joins: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()  # "over", "sobre", "out of", "de"
    unknown: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()


def fold(text: str) -> str:
    """Return `text` in compatibility form and lower case, without accents, spaces single."""
    halves = text.replace(HALF, ".5").replace("’", "'").replace("−", "-")
    flat = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", halves).casefold())
    plain = "".join(each for each in flat if not unicodedata.combining(each))
    return " ".join(plain.split())


def sequence(
    item_ids: Sequence[str], answers: Mapping[str, Answer], items: Mapping[str, Item]
) -> tuple[str, ...]:
    """Return the items that apply, in the order asked, given the answers so far.

    An item whose condition is not met is left out; the follow-ups of the options picked in a
    multi-select come right after it. Items unknown to the content are left out.
    """
    walked: dict[str, None] = {}
    for item_id in item_ids:
        for each in _with_follow_ups(item_id, answers, items, frozenset()):
            walked.setdefault(each)
    return tuple(walked)


def _with_follow_ups(
    item_id: str, answers: Mapping[str, Answer], items: Mapping[str, Item], above: frozenset[str]
) -> Iterator[str]:
    item = items.get(item_id)
    if item is None or item_id in above or not is_asked(item, answers):
        return
    yield item_id
    answer = answers.get(item_id)
    for option, follow_up in item.follow_ups if answer else ():
        if answer and option in answer.picks:
            yield from _with_follow_ups(follow_up, answers, items, above | {item_id})


def next_item(
    item_ids: Sequence[str], answers: Mapping[str, Answer], items: Mapping[str, Item]
) -> str | None:
    """Return the first item that applies and has no answer, or None when the check-in is complete."""
    return next((each for each in sequence(item_ids, answers, items) if each not in answers), None)


def previous_item(
    item_ids: Sequence[str], answers: Mapping[str, Answer], items: Mapping[str, Item], current: str
) -> str | None:
    """Return the item asked before `current`, or None at the first."""
    asked = sequence(item_ids, answers, items)
    at = asked.index(current) if current in asked else 0
    return asked[at - 1] if at else None


def progress(
    item_ids: Sequence[str], answers: Mapping[str, Answer], items: Mapping[str, Item], current: str
) -> tuple[int, int]:
    """Return "question n of m" for `current`; m grows when an answer brings follow-ups."""
    asked = sequence(item_ids, answers, items)
    return (asked.index(current) + 1 if current in asked else len(asked), len(asked))


def toggle(picked: Sequence[str], option: str, item: Item) -> tuple[str, ...]:
    """Return the picks after a tap on `option`, in the item's order; "none" excludes the rest."""
    chosen = set(picked) ^ {option}
    if option in chosen:
        chosen = {NONE} if option == NONE else chosen - {NONE}
    return tuple(each.code for each in item.options if each.code in chosen)


def answer_from_tap(item: Item, given: str) -> Answer | None:
    """Return the answer a button stands for, or None when the item has no such answer.

    `given` comes from the button's data and is not trusted.
    """
    if item.kind in (ItemKind.SCALE, ItemKind.COUNT, ItemKind.HOURS):
        value = _plain_number(given)
        return Answer(ANSWERED, value) if value is not None and _on_scale(item, value) else None
    option = next((each for each in item.options if each.code == given), None)
    if option is None or item.kind not in (ItemKind.CHOICE, ItemKind.GRADE):
        return None
    return Answer(ANSWERED, option.value, option.code)


def answer_from_picks(item: Item, picked: Sequence[str]) -> Answer | None:
    """Return the answer of a finished multi-select, or None when nothing was picked."""
    known = [each.code for each in item.options if each.code in picked]
    return (
        Answer(ANSWERED, float(len([each for each in known if each != NONE])), PICKS.join(known))
        if known
        else None
    )


def read_typed(item: Item, text: str, words: TypedWords) -> Answer | None:
    """Read a typed answer, or return None when it is not certain what was meant.

    Accepts "7", "seven", "7/10", "a 7 I guess", "138 over 90", an option as shown. Refuses what is
    off the scale, between two steps, a range, or more than one answer: those are asked again.
    """
    folded = fold(text)
    bare = folded.strip(" .!?,")
    if not bare:
        return None
    if bare in words.skip:
        return Answer(SKIPPED)
    if item.unknown_allowed and bare in words.unknown:
        return Answer(UNKNOWN)
    if item.kind is ItemKind.TEXT:
        return Answer(ANSWERED)
    return READERS.get(item.kind, _read_number)(item, folded, words)


def _read_option(item: Item, folded: str, words: TypedWords) -> Answer | None:
    bare = folded.strip(" .!?,")
    code = words.options.get(bare) or next(
        (each.code for each in item.options if fold(each.code) == bare), None
    )
    if code is None and item.kind is ItemKind.GRADE:
        code = next((each.code for each in item.options if each.value == _plain_number(bare)), None)
    return answer_from_tap(item, code) if code else None


def _read_picks(item: Item, folded: str, words: TypedWords) -> Answer | None:
    if folded.strip(" .!") in words.options:
        return answer_from_picks(item, [words.options[folded.strip(" .!")]])
    joins = "|".join(re.escape(each) for each in sorted(words.joins))
    parts = [
        each.strip(" .!") for each in re.split(rf"[,;\n]|\b(?:{joins})\b" if joins else r"[,;\n]", folded)
    ]
    codes = [words.options.get(each) for each in parts if each]
    known = [each for each in codes if each]
    if not known or len(known) != len(codes) or (NONE in known and len(known) > 1):
        return None
    return answer_from_picks(item, known)


def _read_pressure(item: Item, folded: str, words: TypedWords) -> Answer | None:
    over = "|".join(re.escape(each) for each in sorted(words.over))
    between = rf"\s*(?:/|-|,|{over})\s*" if over else r"\s*[/,-]\s*"
    pairs = re.findall(rf"(?<![0-9./-])([0-9]+)(?:{between}|\s+)([0-9]+)(?![0-9]|\s*[/,-]\s*[0-9])", folded)
    if len(pairs) != 1:
        return None
    systolic, diastolic = (int(each) if len(each) < 4 else 0 for each in pairs[0])
    if not (item.lowest <= systolic <= item.highest and DIASTOLIC_LOWEST <= diastolic < systolic):
        return None
    return Answer(ANSWERED, float(systolic), f"{systolic}/{diastolic}")


def _read_number(item: Item, folded: str, words: TypedWords) -> Answer | None:
    clauses = [each.split() for each in _clauses(_simplified(item, folded, words), words)]
    numeric = [
        each for each in clauses if _LOOKS_NUMERIC.search(" ".join(each)) or set(each) & set(words.numbers)
    ]
    read = [_clause_number(each, words) for each in numeric]
    found = [each for each in read if each is not None]
    doubtful = any(
        value is None and len(clause) < AMBIGUOUS_CLAUSE_WORDS
        for clause, value in zip(numeric, read, strict=True)
    )
    if len(set(found)) != 1 or doubtful:
        return None
    value = found[0]
    if item.kind is ItemKind.COUNT and value > item.highest and value.is_integer():
        return Answer(ANSWERED, item.highest)  # the last step means "or more"; the words are kept
    return Answer(ANSWERED, value) if _on_scale(item, value) else None


def _simplified(item: Item, folded: str, words: TypedWords) -> str:
    """Turn "7/10" and "7 out of 10" into "7" on a scale that ends at 10, and "7h30" into "7.5" hours."""
    over = "|".join(["/", *(rf"\b{re.escape(each)}\b" for each in sorted(words.over))])
    whole = re.sub(rf"([0-9]+)\s*(?:{over})\s*{int(item.highest)}(?![0-9.,/]*[0-9])", r"\1 ", folded)
    if item.kind is not ItemKind.HOURS:
        return whole
    clock = _CLOCK.sub(lambda found: f"{int(found[1]) + int(found[2]) / 60:g}", whole)
    return re.sub(r"([0-9])\s*1/2", r"\1.5", re.sub(r"([0-9])h\b", r"\1 ", clock))


def _clauses(text: str, words: TypedWords) -> list[str]:
    joins = "|".join(re.escape(each) for each in sorted(words.joins))
    parts = _CLAUSE_END.split(text)
    if joins:
        parts = [each for part in parts for each in re.split(rf"\b(?:{joins})\b", part)]
    return [each for each in (part.strip() for part in parts) if each]


def _clause_number(tokens: Sequence[str], words: TypedWords) -> float | None:
    """Return the one number of a clause that otherwise holds only fillers."""
    values: list[float] = []
    for token in tokens:
        value = words.numbers.get(token, _plain_number(token))
        if value is not None:
            values.append(value)
        elif token.strip("'\"()") not in words.fillers:
            return None
    return values[0] if len(values) == 1 else None


def _plain_number(token: str) -> float | None:
    token = token.rstrip("+.,")
    if not re.fullmatch(r"-?[0-9]{0,6}(?:[.,][0-9]{1,3})?", token, re.ASCII) or not _LOOKS_NUMERIC.search(
        token
    ):
        return None
    return float(token.replace(",", "."))


def _on_scale(item: Item, value: float) -> bool:
    return item.lowest <= value <= item.highest and ((value - item.lowest) / item.step).is_integer()


READERS: Mapping[ItemKind, Callable[[Item, str, TypedWords], Answer | None]] = {
    ItemKind.PRESSURE: _read_pressure,
    ItemKind.MULTI: _read_picks,
    ItemKind.CHOICE: _read_option,
    ItemKind.GRADE: _read_option,
}
