"""What holds between the parts of the content: languages agree, references lead somewhere, texts fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.care.escalation import RuleBook
from bot.care.instrument import NONE, Item, ItemKind
from bot.care.phrases import PhraseBook
from bot.care.scoring import Instrument
from bot.content.items import Asked
from bot.content.sites import SiteContent
from bot.content.source import Problem
from bot.content.wording import Wording, placeholders

LONGEST_MESSAGE = 4096
LONGEST_CARD = 3500  # leaves room for what surrounds a question on its card
MOST_BUTTON_BYTES = 64
BUTTON_OVERHEAD = 30  # "a:" + the card's id + ":" before an option's code
LONGEST_ID = 26


def cross_check(
    asked: Asked,
    languages: Mapping[str, Wording],
    sites: Mapping[str, SiteContent],
) -> Iterator[Problem]:
    """Yield everything wrong between the parts."""
    yield from check_asked(asked)
    yield from _sentences_agree(languages)
    for wording in languages.values():
        yield from _items_fit(wording, asked)
    yield from _sites_speak(sites, languages)


def check_asked(asked: Asked) -> Iterator[Problem]:
    """Yield everything wrong between items and instruments."""
    yield from _items_agree(asked)
    yield from _cycles(asked)
    for instrument in asked.instruments.values():
        yield from _instrument_adds_up(instrument, asked)


def _items_agree(asked: Asked) -> Iterator[Problem]:
    for item in asked.items.values():
        document = asked.places[item.id]
        named = [each.item_id for each in item.asked_when] + [to for _, to in item.follow_ups]
        for other in named:
            if other not in asked.items:
                yield document.problem(f"item {item.id!r} refers to {other!r}, which does not exist", other)
        for option, _ in item.follow_ups:
            if item.option(option) is None:
                yield document.problem(
                    f"item {item.id!r}: follow-up of {option!r}, which is no option", option
                )
        yield from (document.problem(f"item {item.id!r}: {what}", item.id) for what in _item_faults(item))
        for condition in item.asked_when:
            other_item = asked.items.get(condition.item_id)
            for code in (*condition.any_of, *condition.none_of):
                if other_item and other_item.options and other_item.option(code) is None:
                    yield document.problem(
                        f"item {item.id!r}: {condition.item_id!r} has no option {code!r}", code
                    )
            for limit in (condition.at_least, condition.at_most, condition.above, condition.below):
                if other_item and limit is not None and not other_item.lowest <= limit <= other_item.highest:
                    yield document.problem(
                        f"item {item.id!r}: asked when {condition.item_id!r} reaches {limit:g}, but its scale"
                        f" runs from {other_item.lowest:g} to {other_item.highest:g}",
                        item.id,
                    )


def _item_faults(item: Item) -> Iterator[str]:
    if len(item.id) > LONGEST_ID or not item.id.isascii() or not item.id.replace("_", "").isalnum():
        yield f"an id has at most {LONGEST_ID} letters, digits and underscores"
    if item.kind in (ItemKind.CHOICE, ItemKind.MULTI) and not item.options:
        yield "has no options"
    codes = [option.code for option in item.options]
    for code in sorted({each for each in codes if codes.count(each) > 1}):
        yield f"option {code!r} appears twice"
    for code in codes:
        if not code or "+" in code or ":" in code:
            yield f"option {code!r} must have letters, and neither + nor :"
        elif len(code.encode()) + BUTTON_OVERHEAD > MOST_BUTTON_BYTES:
            limit = MOST_BUTTON_BYTES - BUTTON_OVERHEAD
            yield f"option {code!r} is too long for a button; {limit} bytes at most"
    if item.kind is ItemKind.MULTI and NONE not in codes:
        yield f"a choice of several needs the option {NONE!r}"
    if item.lowest > item.highest:
        yield f"its scale runs from {item.lowest:g} to {item.highest:g}"
    if item.higher_is not in ("", "worse", "better"):
        yield f'higher_is is {item.higher_is!r}; "worse" or "better"'
    if item.kind is ItemKind.SCALE and not item.higher_is:
        yield 'higher_is must say "worse" or "better"'


def _cycles(asked: Asked) -> Iterator[Problem]:
    """Yield items whose being asked depends, by a way round, on themselves."""
    edges: dict[str, set[str]] = {item_id: set() for item_id in asked.items}
    for item in asked.items.values():
        edges[item.id] |= {each.item_id for each in item.asked_when}
        for _, follow_up in item.follow_ups:
            edges.setdefault(follow_up, set()).add(item.id)
    for start in asked.items:
        reached, waiting = set(), list(edges[start])
        while waiting:
            here = waiting.pop()
            if here not in reached:
                reached.add(here)
                waiting += edges.get(here, ())
        if start in reached:
            yield asked.places[start].problem(f"item {start!r} is asked depending on itself", start)


def _sentences_agree(languages: Mapping[str, Wording]) -> Iterator[Problem]:
    reference = languages.get("en")
    if reference is None:
        return
    expected = dict(_placeholders(reference))
    for code, wording in languages.items():
        for key in sorted(expected.keys() - wording.sentences.keys()):
            like = reference.places[key].file
            yield Problem(
                like.replace("wording/en/", f"wording/{code}/"), f"{key!r} is missing; {like} has it"
            )
        for key, names in _placeholders(wording):
            what = _sentence_fault(wording.sentences[key], names, expected.get(key))
            if what:
                yield wording.places[key].problem(f"{key!r} {what}", key.rsplit(".", 1)[-1], "=")


def _sentence_fault(sentence: str, names: frozenset[str] | str, expected: frozenset[str] | str | None) -> str:
    if expected is None:
        return "is not in wording/en"
    if isinstance(names, str):
        return f"cannot be filled: {names}"
    if len(sentence) > LONGEST_MESSAGE:
        return f"has {len(sentence)} characters; {LONGEST_MESSAGE} at most"
    if names != expected and not isinstance(expected, str):
        return f"has {_listed(names)}; wording/en has {_listed(expected)}"
    return ""


def _placeholders(wording: Wording) -> Iterator[tuple[str, frozenset[str] | str]]:
    for key, sentence in wording.sentences.items():
        try:
            yield key, placeholders(sentence)
        except ValueError as error:
            yield key, str(error)


def _listed(names: frozenset[str] | str) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names)) or "no placeholders"


def _items_fit(wording: Wording, asked: Asked) -> Iterator[Problem]:
    for item_id, words in wording.items.items():
        longest = len(words.stem) + len(words.question) + len(words.low) + len(words.high)
        if longest > LONGEST_CARD:
            yield Problem(
                f"wording/{wording.language.code}",
                f"item {item_id!r} has {longest} characters; {LONGEST_CARD} at most",
            )
        known = {option.code for option in asked.items[item_id].options} | {"unknown"}
        for code in words.options.keys() - known:
            yield Problem(f"wording/{wording.language.code}", f"item {item_id!r} has no option {code!r}")


def _sites_speak(sites: Mapping[str, SiteContent], languages: Mapping[str, Wording]) -> Iterator[Problem]:
    for site in sites.values():
        for code in site.languages:
            if code not in languages:
                yield Problem(f"sites/{site.id}.toml", f"language {code!r} has no folder in wording")


def _instrument_adds_up(instrument: Instrument, asked: Asked) -> Iterator[Problem]:
    document = next((asked.places[each] for each in instrument.items if each in asked.places), None)
    place = document.file if document else "instruments"
    for name in ("licence", "source"):
        if not getattr(instrument, name).strip():
            yield Problem(place, f"instrument {instrument.id!r} must name its {name}")
    for score in instrument.scores:
        items = [asked.items.get(each) for each in score.items]
        for item_id, item in zip(score.items, items, strict=True):
            if item is None:
                yield Problem(place, f"score {score.key!r} adds {item_id!r}, which does not exist")
        highest = sum(item.highest for item in items if item)
        if score.highest and all(items) and score.highest != highest:
            yield Problem(
                place,
                f"score {score.key!r} says it ends at {score.highest:g}; its items add up to {highest:g}",
            )
        for name, at in score.cut_points.items():
            if not score.lowest <= at <= highest:
                yield Problem(place, f"score {score.key!r}: {name} is {at:g}; the scale ends at {highest:g}")


def told_without_words(
    rules: RuleBook, phrases: PhraseBook, languages: Mapping[str, Wording]
) -> Iterator[Problem]:
    """Yield rules that tell the patient a message nobody wrote."""
    english = languages.get("en")
    told = [
        (rule.id, message) for rule in rules.rules for message in (rule.told, *(r.told for r in rule.raised))
    ]
    told += [(phrase.rule_id, phrase.told) for phrase in phrases.phrases]
    for rule_id, message in dict.fromkeys(told):
        if english and message and f"messages.{message}" not in english:
            yield Problem(
                "rules", f"rule {rule_id!r} tells the patient {message!r}; wording/en has no such message"
            )
