"""From the parts of a FHIR Questionnaire to an instrument of ours: items, words, conditions, scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.care.instrument import AskedWhen, Item, ItemKind, Option
from bot.care.scoring import Score
from bot.questionnaire import extensions as ext
from bot.questionnaire.answers import LOINC, OTHER_WORDS, Answers
from bot.questionnaire.names import LONGEST_ID, slug, unique
from bot.questionnaire.sheet import AS_WORDS, LEFT_OUT, Findings, RawItem, Sheet
from bot.questionnaire.sums import summed
from bot.questionnaire.valuesets import AnswerLists

UNLIMITED = 999
LIMITS = {"=": "equals", "!=": "differs", ">": "above", "<": "below", ">=": "at_least", "<=": "at_most"}


@dataclass
class Words:
    """The words of one item in one language."""

    question: str
    stem: str = ""
    options: dict[str, str] = field(default_factory=dict)


@dataclass
class Draft:
    """An instrument being put together."""

    id: str
    language: str
    items: list[Item] = field(default_factory=list)
    words: dict[str, dict[str, Words]] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


def draft_of(sheet: Sheet, lists: AnswerLists, findings: Findings) -> Draft:
    """Return the instrument a sheet describes; what is wrong goes to the findings, what cannot be
    carried into the notes of the draft.
    """
    return _Drafting(sheet, lists, findings).draft()


class _Drafting:
    def __init__(self, sheet: Sheet, lists: AnswerLists, findings: Findings) -> None:
        header = sheet.header
        self.sheet, self.findings = sheet, findings
        self.answers = Answers(lists, findings)
        name = str(header.get("name") or header.get("title") or header.get("id") or "imported")
        language = ext.language_of(str(header.get("language") or "en")) or "en"
        self.out = Draft(slug(name, 14) or "imported", language, notes=sheet.notes)
        self.ids: dict[str, str] = {}
        self.options: dict[str, tuple[Option, ...]] = {}
        self.shown: list[str] = []  # display texts waiting for the next question
        self.taken: set[str] = set()

    def draft(self) -> Draft:
        answerable = [each for each in self.sheet.items if self._is_asked(each)]
        for each in answerable:
            wanted = f"{self.out.id}_{slug(each.link_id)}"[:LONGEST_ID].strip("_")
            self.ids[each.link_id] = unique(wanted, self.taken, LONGEST_ID)
        for each in self.sheet.items:
            if self._is_asked(each):
                self._add(each)
            elif each.type == "display":
                self.shown.append(each.text)
            elif each.type in LEFT_OUT:
                self.note(f"type {each.type} (item {each.link_id!r})")
        if self.shown:
            self.note("display text after the last question")
        self._scores()
        return self.out

    def note(self, what: str) -> None:
        self.out.notes[what] += 1

    def _is_asked(self, item: RawItem) -> bool:
        if item.type in {"group", "display"} | LEFT_OUT or not item.link_id:
            return False
        calculated = any(True for _ in ext.expressions(item.data, *ext.CALCULATED))
        return not (calculated or item.data.get("readOnly") or ext.first(item.data, ext.HIDDEN))

    def _add(self, raw: RawItem) -> None:
        item_id = self.ids[raw.link_id]
        kind = self._kind(raw)
        lowest, highest = ext.first(raw.data, ext.LOWEST), ext.first(raw.data, ext.HIGHEST)
        if kind is ItemKind.NUMBER and (lowest is None or highest is None):
            self.note(f"a number without limits, read as 0 to {UNLIMITED} (item {raw.link_id!r})")
        unlimited = UNLIMITED if kind is ItemKind.NUMBER else 10
        words = {
            language: Words(text, self._stem(raw, language)) for language, text in self._texts(raw).items()
        }
        self.shown = []
        options, shown = self.answers.options(raw, kind, tuple(words))
        for language, each in words.items():
            each.options = shown[language]
        self.options[raw.link_id] = options
        values = [each.value for each in options if each.value is not None]
        item = Item(
            id=item_id,
            kind=kind,
            lowest=min(values, default=0) if options else _number(lowest, 0),
            highest=max(values, default=0) if options else _number(highest, unlimited),
            step=0.1 if raw.type == "decimal" and kind is ItemKind.NUMBER else 1,
            unit=self._unit(raw),
            options=options,
            asked_when=(),
            required=raw.data.get("required") is True,
            loinc=self._loinc(raw),
            link_id=raw.link_id,
        )
        conditions, of_all = self._conditions(raw)
        self._keep(_with_conditions(item, conditions, of_all), words)
        if raw.type == "open-choice":
            self._add_other(item, words)

    def _keep(self, item: Item, words: Mapping[str, Words]) -> None:
        self.out.items.append(item)
        for language, given in words.items():
            self.out.words.setdefault(language, {})[item.id] = given

    def _kind(self, raw: RawItem) -> ItemKind:
        if raw.type in ("choice", "open-choice"):
            return ItemKind.MULTI if raw.data.get("repeats") is True else ItemKind.CHOICE
        if raw.data.get("repeats") is True:
            self.note(f"repeats (item {raw.link_id!r})")
        if raw.type in AS_WORDS:
            self.note(f"type {raw.type}, asked as free words (item {raw.link_id!r})")
            return ItemKind.TEXT
        if raw.type in ("string", "text") and not raw.data.get("answerOption"):
            return ItemKind.TEXT
        if raw.type in ("integer", "decimal") and not raw.data.get("answerOption"):
            return ItemKind.NUMBER
        return ItemKind.CHOICE

    def _texts(self, raw: RawItem) -> dict[str, str]:
        base = raw.text or raw.link_id
        if not raw.text:
            self.note(f"a question without words, shown by its linkId (item {raw.link_id!r})")
        return {self.out.language: base} | ext.translations(raw.data.get("_text"))

    def _stem(self, raw: RawItem, language: str) -> str:
        """Return what stands before the question: the texts of its groups, then display texts."""
        above = [
            {self.out.language: each.text, **ext.translations(each.data.get("_text"))} for each in raw.above
        ]
        heads = [each.get(language) or each[self.out.language] for each in above]
        return "\n".join(dict.fromkeys(each for each in [*heads, *self.shown] if each))

    def _unit(self, raw: RawItem) -> str:
        given = ext.first(raw.data, ext.UNIT)
        return str(given.get("code") or given.get("display") or "") if isinstance(given, Mapping) else ""

    def _loinc(self, raw: RawItem) -> str:
        given = ext.objects(raw.data.get("code"))
        if any(each.get("system") != LOINC for each in given):
            self.note(f"code of another system than LOINC (item {raw.link_id!r})")
        return next((str(each.get("code", "")) for each in given if each.get("system") == LOINC), "")

    def _add_other(self, item: Item, words: Mapping[str, Words]) -> None:
        other_id = unique(f"{item.id[: LONGEST_ID - 6]}_other", self.taken, LONGEST_ID)
        asked = AskedWhen(item.id, any_of=(item.options[-1].code,))
        other = Item(other_id, ItemKind.TEXT, asked_when=(asked,), link_id=f"{item.link_id}-other")
        self._keep(other, {each: Words(OTHER_WORDS.get(each, OTHER_WORDS["en"])[1]) for each in words})

    def _conditions(self, raw: RawItem) -> tuple[tuple[AskedWhen, ...], bool]:
        """Return the conditions of an item together with those of the groups it stands in."""
        levels = [(list(self._own_conditions(each)), self._of_all(each)) for each in (*raw.above, raw)]
        given = [(conditions, of_all) for conditions, of_all in levels if conditions]
        if len(given) > 1 and any(len(conditions) > 1 and not of_all for conditions, of_all in given):
            self.note(f"enableWhen of its group besides its own (item {raw.link_id!r})")
            given = given[-1:]
        if not given:
            return (), False
        merged = tuple(dict.fromkeys(each for conditions, _ in given for each in conditions))
        return merged, len(merged) > 1 and (len(given) > 1 or given[0][1])

    def _of_all(self, raw: RawItem) -> bool:
        return raw.data.get("enableBehavior") == "all"

    def _own_conditions(self, raw: RawItem) -> Iterator[AskedWhen]:
        for entry in ext.objects(raw.data.get("enableWhen")):
            question = str(entry.get("question", ""))
            if question not in {each.link_id for each in self.sheet.items}:
                self.findings.add(
                    f"item {raw.link_id!r}: enableWhen asks about {question!r}, which does not exist"
                )
                continue
            condition = self._condition(entry, question)
            if condition:
                yield condition
            else:
                operator = entry.get("operator")
                self.note(f"enableWhen {operator} on {question!r} (item {raw.link_id!r}): it is always asked")

    def _condition(self, entry: Mapping[str, Any], question: str) -> AskedWhen | None:
        item_id = self.ids.get(question)
        key = next((each for each in entry if each.startswith("answer") and each != "answer"), "")
        answer, operator = entry.get(key), entry.get("operator")
        if item_id is None or answer is None or question not in self.options:
            return None
        if operator == "exists":
            return AskedWhen(item_id, answered=bool(answer))
        if key in ("answerInteger", "answerDecimal") and not self.options[question]:
            limit = LIMITS.get(str(operator))
            limits: dict[str, Any] = {limit: float(answer)} if limit else {}
            return AskedWhen(item_id, **limits) if limits else None
        code = self._code(question, answer)
        if code is None or operator not in ("=", "!="):
            return None
        return AskedWhen(item_id, any_of=(code,)) if operator == "=" else AskedWhen(item_id, none_of=(code,))

    def _code(self, question: str, answer: Any) -> str | None:
        """Return our code of the answer a condition names."""
        if isinstance(answer, bool):
            wanted = "true" if answer else "false"
        else:
            wanted = str(answer.get("code", "")) if isinstance(answer, Mapping) else str(answer)
        for option in self.options[question]:
            if wanted in (option.published or option.code, option.code):
                return option.code
        return None

    def _scores(self) -> None:
        links = list(self.ids)
        inside = {
            each.link_id: [
                raw.link_id for raw in self.sheet.items if each in raw.above and raw.link_id in self.ids
            ]
            for each in self.sheet.items
        }
        variables = dict(ext.expressions(self.sheet.header, ext.VARIABLE))
        for raw in self.sheet.items:
            variables |= dict(ext.expressions(raw.data, ext.VARIABLE))
        by_id = {item.id: item for item in self.out.items}
        taken: set[str] = set()
        for raw in self.sheet.items:
            for _, expression in ext.expressions(raw.data, *ext.CALCULATED):
                added = summed(expression, variables, links, inside)
                numeric = [each for each in added or () if _is_numeric(by_id.get(self.ids[each]))]
                for link in set(added or ()) - set(numeric):
                    self.note(f"item {link!r} in the total {raw.link_id!r}: its answers have no scores")
                if len(numeric) < 2:
                    self.note(f"calculatedExpression that is not a sum (item {raw.link_id!r})")
                    continue
                items = tuple(self.ids[each] for each in numeric)
                self.out.scores.append(
                    Score(
                        key=unique(slug(raw.link_id) or "total", taken, LONGEST_ID),
                        items=items,
                        lowest=sum(by_id[each].lowest for each in items),
                        highest=sum(by_id[each].highest for each in items),
                        loinc=self._loinc(raw),
                    )
                )


def _number(given: Any, otherwise: float) -> float:
    return float(given) if isinstance(given, (int, float)) and not isinstance(given, bool) else otherwise


def _is_numeric(item: Item | None) -> bool:
    if item is None:
        return False
    return item.kind is ItemKind.NUMBER or any(each.value is not None for each in item.options)


def _with_conditions(item: Item, conditions: tuple[AskedWhen, ...], of_all: bool) -> Item:
    return replace(item, asked_when=conditions, asked_when_all=of_all)
