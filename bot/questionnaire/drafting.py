"""From the parts of a FHIR Questionnaire to an instrument of ours: items, words, conditions, scores."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.care.instrument import NONE, AskedWhen, Item, ItemKind, Option
from bot.care.scoring import Score
from bot.questionnaire import extensions as ext
from bot.questionnaire.sheet import AS_WORDS, LEFT_OUT, Findings, RawItem, Sheet
from bot.questionnaire.sums import summed
from bot.questionnaire.valuesets import OWN_SYSTEM, AnswerLists, Concept

LONGEST_ID = 26
LONGEST_CODE = 30
UNLIMITED = 999
OTHER = "other"
LOINC = "http://loinc.org"
LIMITS = {"=": "equals", "!=": "differs", ">": "above", "<": "below", ">=": "at_least", "<=": "at_most"}
YES_NO = {
    "en": {"true": "Yes", "false": "No"},
    "es": {"true": "Sí", "false": "No"},
}
OTHER_WORDS = {
    "en": ("Something else", "What else? Please type it."),
    "es": ("Otra cosa", "¿Qué más? Escríbalo."),
}
NONE_WORDS = {"en": "None of these", "es": "Nada de esto"}


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


def slug(text: str, longest: int = LONGEST_ID) -> str:
    """Return letters, digits and underscores that stand for `text`, at most `longest` of them."""
    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", flat).strip("_")[:longest].strip("_")


def _unique(wanted: str, taken: set[str], longest: int) -> str:
    """Return `wanted`, or with a number behind it when it is taken."""
    chosen, number = wanted or "x", 1
    while chosen in taken:
        number += 1
        chosen = f"{wanted[: longest - len(str(number)) - 1]}_{number}"
    taken.add(chosen)
    return chosen


class _Drafting:
    def __init__(self, sheet: Sheet, lists: AnswerLists, findings: Findings) -> None:
        header = sheet.header
        self.sheet, self.lists, self.findings = sheet, lists, findings
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
            self.ids[each.link_id] = _unique(wanted, self.taken, LONGEST_ID)
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
        options = self._options(raw, kind, words)
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

    def _options(self, raw: RawItem, kind: ItemKind, words: Mapping[str, Words]) -> tuple[Option, ...]:
        """Return the answers of a choice and put their words into `words`."""
        if kind not in (ItemKind.CHOICE, ItemKind.MULTI):
            return ()
        if raw.type == "boolean":
            concepts = [
                Concept(code, "", YES_NO["en"][code], None, _yes_no(code)) for code in ("true", "false")
            ]
        else:
            concepts = list(self._concepts(raw))
        taken: set[str] = set()
        options = []
        for each in concepts:
            code = _unique(_button_code(each.code), taken, LONGEST_CODE)
            published = each.code if each.code != code else ""
            loinc = each.code if each.system == LOINC else ""
            options.append(Option(code, each.score, loinc=loinc, system=each.system, published=published))
            for language, given in words.items():
                given.options[code] = each.translations.get(language) or each.display
        if kind is ItemKind.MULTI and NONE not in taken:
            options.insert(0, Option(NONE))
            for language, given in words.items():
                given.options = {NONE: NONE_WORDS.get(language, NONE_WORDS["en"]), **given.options}
        if raw.type == "open-choice":
            options.append(Option(_unique(OTHER, taken, LONGEST_CODE)))
            for language, given in words.items():
                given.options[options[-1].code] = OTHER_WORDS.get(language, OTHER_WORDS["en"])[0]
        return tuple(options)

    def _concepts(self, raw: RawItem) -> Iterator[Concept]:
        reference = raw.data.get("answerValueSet")
        if isinstance(reference, str):
            try:
                yield from self._with_systems(raw, self.lists.concepts(reference))
            except LookupError as error:
                self.findings.add(f"item {raw.link_id!r}: {error.args[0]}")
            return
        given = raw.data.get("answerOption")
        if not isinstance(given, list):
            self.findings.add(f"item {raw.link_id!r} is a choice without answers")
            return
        yield from self._with_systems(raw, [each for entry in given if (each := _concept(entry))])

    def _with_systems(self, raw: RawItem, concepts: Sequence[Concept]) -> Iterator[Concept]:
        for each in concepts:
            if not each.code:
                self.findings.add(f"item {raw.link_id!r}: answer {each.display!r} has no code")
            elif each.system == "":
                self.findings.add(f"item {raw.link_id!r}: answer {each.code!r} has a coding without a system")
            else:
                yield _without_system(each) if each.system in (_PLAIN, OWN_SYSTEM) else each

    def _add_other(self, item: Item, words: Mapping[str, Words]) -> None:
        other_id = _unique(f"{item.id[: LONGEST_ID - 6]}_other", self.taken, LONGEST_ID)
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
                        key=_unique(slug(raw.link_id) or "total", taken, LONGEST_ID),
                        items=items,
                        lowest=sum(by_id[each].lowest for each in items),
                        highest=sum(by_id[each].highest for each in items),
                        loinc=self._loinc(raw),
                    )
                )


_PLAIN = "\0"  # an answer that is a string or a number: it has no system and needs none


def _concept(entry: Any) -> Concept | None:
    """Return one answerOption; its score may stand on the option, on the coding or on the value."""
    if not isinstance(entry, Mapping):
        return None
    key = next((each for each in entry if each.startswith("value")), "")
    given, beside = entry.get(key), entry.get(f"_{key}")
    if isinstance(given, Mapping):
        display = str(given.get("display") or given.get("code") or "")
        score = ext.score(entry, given, given.get("_display"))
        translated = ext.translations(given.get("_display"))
        return Concept(str(given.get("code", "")), str(given.get("system", "")), display, score, translated)
    if given is None or isinstance(given, bool):
        return None
    score = ext.score(entry, beside)
    if score is None and isinstance(given, int):
        score = float(given)
    return Concept(str(given), _PLAIN, str(given), score, ext.translations(beside))


def _without_system(concept: Concept) -> Concept:
    return Concept(concept.code, "", concept.display, concept.score, concept.translations)


def _yes_no(code: str) -> dict[str, str]:
    return {language: words[code] for language, words in YES_NO.items()}


def _button_code(code: str) -> str:
    """Return a code that fits a button: as published when it can be."""
    plain = re.fullmatch(r"[A-Za-z0-9._/-]{1,30}", code)
    return code if plain else slug(code, LONGEST_CODE)


def _number(given: Any, otherwise: float) -> float:
    return float(given) if isinstance(given, (int, float)) and not isinstance(given, bool) else otherwise


def _is_numeric(item: Item | None) -> bool:
    if item is None:
        return False
    return item.kind is ItemKind.NUMBER or any(each.value is not None for each in item.options)


def _with_conditions(item: Item, conditions: tuple[AskedWhen, ...], of_all: bool) -> Item:
    return replace(item, asked_when=conditions, asked_when_all=of_all)
