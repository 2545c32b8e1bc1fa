"""Writing one of our instruments as a FHIR R4 Questionnaire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from fhir.resources.R4B.questionnaire import Questionnaire

from bot.care.instrument import COMPARISONS, AskedWhen, Item, ItemKind, Option
from bot.care.scoring import Instrument, Score
from bot.content import Content
from bot.content.wording import ItemWording
from bot.questionnaire import extensions as ext
from bot.questionnaire.valuesets import OWN_SYSTEM

ORDINAL = ext.SCORES[0]
TYPES = {
    ItemKind.CHOICE: "choice",
    ItemKind.GRADE: "choice",
    ItemKind.MULTI: "choice",
    ItemKind.SCALE: "integer",
    ItemKind.COUNT: "integer",
    ItemKind.HOURS: "decimal",
    ItemKind.PRESSURE: "string",
    ItemKind.TEXT: "text",
}
YES_OR_NO = (Option("true"), Option("false"))  # how an imported yes-no question is kept
OPERATORS = {
    "at_least": ">=",
    "at_most": "<=",
    "above": ">",
    "below": "<",
    "equals": "=",
    "differs": "!=",
}
Entry = dict[str, Any]


def export_questionnaire(instrument_id: str, content: Content, language: str = "en") -> str:
    """Return an instrument as JSON: `language` is its own, the others stand beside as translations.

    Raises:
        KeyError: there is no such instrument; the message lists those there are.
    """
    if instrument_id not in content.instruments:
        known = ", ".join(sorted(content.instruments))
        raise KeyError(f"there is no instrument {instrument_id!r}; there are {known}")
    instrument = content.instruments[instrument_id]
    words = {
        code: wording.items
        for code, wording in content.languages.items()
        if instrument.language_status.get(code) != "missing"
    }
    base = language if language in words else next(iter(words))
    form = _Form(instrument, content.items, words, base)
    data = form.questionnaire()
    Questionnaire.model_validate(data)
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


class _Form:
    def __init__(
        self,
        instrument: Instrument,
        items: Mapping[str, Item],
        words: Mapping[str, Mapping[str, ItemWording]],
        language: str,
    ) -> None:
        self.instrument, self.items, self.words, self.language = instrument, items, words, language

    def questionnaire(self) -> Entry:
        it = self.instrument
        data: Entry = {
            "resourceType": "Questionnaire",
            "language": self.language,
            "name": it.id,
            "title": it.title,
            "status": "active",
            "publisher": it.source,
            "copyright": it.licence,
        }
        data |= {key: given for key, given in (("url", it.url), ("version", it.version)) if given}
        if it.loinc:
            data["code"] = [{"system": "http://loinc.org", "code": it.loinc}]
        data["item"] = [*self._sections(), *(self._total(each) for each in it.scores)]
        return data

    def _sections(self) -> Iterator[Entry]:
        """Yield items, those with words in common before them within a group that says these."""
        asked = [self.items[each] for each in self.instrument.items]
        for number, (stem, run) in enumerate(groupby(asked, lambda item: self._words(item).stem), start=1):
            inner = [self._item(item) for item in run]
            if not stem:
                yield from inner
                continue
            first = inner[0]["linkId"]
            group: Entry = {"linkId": f"group-{number}", "type": "group", "text": stem}
            stems = {code: self._words(self._by_link(first), code).stem for code in self.words}
            yield group | _translated("_text", self._others(stems)) | {"item": inner}

    def _by_link(self, link: str) -> Item:
        return next(self.items[each] for each in self.instrument.items if _link(self.items[each]) == link)

    def _words(self, item: Item, language: str = "") -> ItemWording:
        return self.words[language or self.language][item.id]

    def _others(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {code: text for code, text in texts.items() if code != self.language and text}

    def _item(self, item: Item) -> Entry:
        questions = {code: self._words(item, code).question for code in self.words}
        entry: Entry = {"linkId": _link(item), "type": _type(item), "text": questions[self.language]}
        entry |= _translated("_text", self._others(questions))
        if item.loinc:
            entry["code"] = [{"system": "http://loinc.org", "code": item.loinc}]
        entry |= {"required": True} if item.required else {}
        entry |= {"repeats": True} if item.kind is ItemKind.MULTI else {}
        entry |= self._limits(item)
        if item.options and entry["type"] != "boolean":
            entry["answerOption"] = [self._option(item, each) for each in item.options]
        return entry | self._conditions(item)

    def _limits(self, item: Item) -> Entry:
        kind = _type(item)
        if kind not in ("integer", "decimal"):
            return {}
        key = "valueInteger" if kind == "integer" else "valueDecimal"
        number = int if kind == "integer" else float
        given: list[Entry] = [
            {"url": ext.LOWEST, key: number(item.lowest)},
            {"url": ext.HIGHEST, key: number(item.highest)},
        ]
        if item.unit:
            given.append({"url": ext.UNIT, "valueCoding": {"code": item.unit, "system": OWN_SYSTEM}})
        return {"extension": given}

    def _option(self, item: Item, option: Option) -> Entry:
        texts = {code: self._words(item, code).options[option.code] for code in self.words}
        coding = self._coding(option) | {"display": texts[self.language]}
        coding |= _translated("_display", self._others(texts))
        entry: Entry = {"valueCoding": coding}
        if option.value is not None:
            entry["extension"] = [{"url": ORDINAL, "valueDecimal": option.value}]
        return entry

    def _coding(self, option: Option) -> Entry:
        if option.loinc:
            return {"system": "http://loinc.org", "code": option.loinc}
        return {"system": option.system or OWN_SYSTEM, "code": option.published or option.code}

    def _conditions(self, item: Item) -> Entry:
        """Return enableWhen: R4 has one list, met by any or by all of it."""
        given = [list(self._atoms(each)) for each in item.asked_when] + self._follow_up_of(item)
        listed = [atom for atoms in given for atom in atoms]
        if not listed:
            return {}
        several = any(len(atoms) > 1 for atoms in given)
        all_of = item.asked_when_all or (len(given) == 1 and _is_range(item.asked_when))
        if several and len(given) > 1 and all_of:
            listed = [atoms[0] for atoms in given if len(atoms) == 1]
        entry: Entry = {"enableWhen": listed}
        return entry | ({"enableBehavior": "all" if all_of else "any"} if len(listed) > 1 else {})

    def _follow_up_of(self, item: Item) -> list[list[Entry]]:
        found = []
        for other_id in self.instrument.items:
            other = self.items[other_id]
            for code, follow_up in other.follow_ups:
                if follow_up == item.id:
                    found.append(list(self._atoms(AskedWhen(other.id, any_of=(code,)))))
        return found

    def _atoms(self, condition: AskedWhen) -> Iterator[Entry]:
        other = self.items[condition.item_id]
        base = {"question": _link(other)}
        if condition.answered is not None:
            yield base | {"operator": "exists", "answerBoolean": condition.answered}
        for operator, codes in (("=", condition.any_of), ("!=", condition.none_of)):
            for code in codes:
                yield base | {"operator": operator} | self._answer(other, code)
        for name, operator in OPERATORS.items():
            limit = getattr(condition, name)
            if limit is not None and other.options:
                for option in _reaching(other, name, limit):
                    yield base | {"operator": "="} | self._answer(other, option.code)
            elif limit is not None:
                whole = _type(other) == "integer"
                answer = {"answerInteger": int(limit)} if whole else {"answerDecimal": limit}
                yield base | {"operator": operator} | answer

    def _answer(self, item: Item, code: str) -> Entry:
        if _type(item) == "boolean":
            return {"answerBoolean": code == "true"}
        option = item.option(code)
        if option is None:
            raise ValueError(f"{item.id} has no option {code}")
        return {"answerCoding": self._coding(option)}

    def _total(self, score: Score) -> Entry:
        terms = [
            f"%resource.descendants().where(linkId='{_link(self.items[each])}').answer.value"
            + (".ordinal()" if self.items[each].options else "")
            for each in score.items
        ]
        entry: Entry = {"linkId": score.key, "type": "decimal", "text": score.key, "readOnly": True}
        if score.loinc:
            entry["code"] = [{"system": "http://loinc.org", "code": score.loinc}]
        expression = {"language": "text/fhirpath", "expression": " + ".join(terms)}
        return entry | {"extension": [{"url": ext.CALCULATED[0], "valueExpression": expression}]}


def _link(item: Item) -> str:
    return item.link_id or item.id


def _type(item: Item) -> str:
    if item.kind is ItemKind.NUMBER:
        return "integer" if item.step == 1 else "decimal"
    return "boolean" if item.options == YES_OR_NO else TYPES[item.kind]


def _is_range(conditions: tuple[AskedWhen, ...]) -> bool:
    """Return whether the one condition sets several limits, all of which must hold."""
    return len(conditions) == 1 and not conditions[0].any_of


def _reaching(item: Item, name: str, limit: float) -> Iterator[Option]:
    """Yield the options whose score meets a limit: FHIR compares codes, not scores."""
    holds = dict(COMPARISONS)[name]
    yield from (each for each in item.options if each.value is not None and holds(each.value, limit))


def _translated(key: str, texts: Mapping[str, str]) -> Entry:
    """Return the element beside a text that holds its translations, or nothing."""
    if not texts:
        return {}
    return {
        key: {
            "extension": [
                {
                    "url": ext.TRANSLATION,
                    "extension": [
                        {"url": "lang", "valueCode": code},
                        {"url": "content", "valueString": text},
                    ],
                }
                for code, text in texts.items()
            ]
        }
    }
