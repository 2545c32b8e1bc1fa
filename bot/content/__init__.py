"""`prompts/` read into one frozen, cross-checked Content; every problem is reported at once."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from bot.care.escalation import RuleBook
from bot.care.instrument import Item
from bot.care.phrases import PhraseBook
from bot.care.policy import Policy
from bot.care.protocol import Protocol
from bot.care.scoring import Instrument
from bot.content.conduct import FILE as CONDUCT_FILE
from bot.content.conduct import Conduct, load_conduct
from bot.content.crosscheck import cross_check, told_without_words
from bot.content.items import load_items
from bot.content.phrases import load_phrases
from bot.content.policy import load_policy
from bot.content.protocols import WEEKDAYS, load_protocols
from bot.content.rules import load_rules
from bot.content.sites import SiteContent, clock_text, load_sites
from bot.content.source import ContentError, Document, Problem, read_document, read_folder
from bot.content.wording import ItemWording, Language, Wording, load_wording

__all__ = [
    "Content", "ContentError", "ItemWording", "Language", "Problem", "SiteContent", "Wording",
    "load_content", "prompts_folder", "stale_numbers",
]  # fmt: skip

FALLBACK = "en"


@dataclass(frozen=True)
class Content:
    """Everything a clinician may change, as one unchangeable whole.

    `version` names exactly this content: it is stored with every check-in, finding and export.
    """

    version: str
    items: Mapping[str, Item]
    instruments: Mapping[str, Instrument]
    protocols: Mapping[str, Protocol]
    languages: Mapping[str, Wording]
    rules: RuleBook
    phrases: PhraseBook
    policies: Mapping[str, Policy]
    sites: Mapping[str, SiteContent]
    folder: Path
    conduct: Conduct

    def wording(self, language: str) -> Wording:
        """Return the words of a language, or English when there are none."""
        return self.languages.get(language) or self.languages[FALLBACK]

    def fill(self, site_id: str, language: str, now: datetime | None = None) -> dict[str, object]:
        """Return what the placeholders of a site's messages stand for in a language.

        With `now`, `{open}` is the next opening and names its day when that is not today.
        """
        site = self.sites[site_id]
        wording = self.wording(language)
        values = site.fill(wording.language)
        opens = site.next_opening(now) if now else None
        if now and opens:
            at = clock_text(opens.time(), wording.language)
            day_key = f"days.{WEEKDAYS[opens.weekday()]}"
            today = opens.date() == now.astimezone(opens.tzinfo).date()
            values["opens"] = at if today or day_key not in wording else f"{wording.say(day_key)} {at}"
        return {"opens": values["open"]} | values


def prompts_folder() -> Path:
    """Return the content folder: PROMPTS_DIR when set, else the one beside the packages."""
    return Path(os.environ.get("PROMPTS_DIR") or Path(__file__).parents[2] / "prompts")


def load_content(folder: Path | None = None) -> Content:
    """Read and check all content.

    Raises:
        ContentError: anything is wrong; it carries every problem.
    """
    root = folder or prompts_folder()
    if not root.is_dir():
        raise ContentError([Problem(str(root), "there is no such folder; set PROMPTS_DIR to the content")])
    with _collector_resting():
        return _load(root)


def _load(root: Path) -> Content:
    problems: list[Problem] = []
    asked = load_items(read_folder(root, "instruments", problems), problems)
    protocols = load_protocols(
        read_folder(root, "protocols", problems), asked.items, asked.instruments, problems
    )
    languages = load_wording(_by_language(root, problems), asked, problems)
    sites = load_sites(read_folder(root, "sites", problems), problems)
    rule_documents = read_folder(root, "rules", problems)
    phrases = load_phrases([each for each in rule_documents if "/phrases/" in each.file], problems)
    rules = load_rules(
        [each for each in rule_documents if "/phrases/" not in each.file], asked.items, problems
    )
    content = Content(
        version=version_of(root),
        items=asked.items,
        instruments=asked.instruments,
        protocols=protocols,
        languages=languages,
        rules=rules,
        phrases=phrases,
        policies=_policies(root, problems),
        sites=sites,
        folder=root,
        conduct=load_conduct(
            _single(root, CONDUCT_FILE, problems), asked.items, (each.id for each in rules.rules), problems
        ),
    )
    problems.extend(cross_check(asked, languages, sites))
    problems.extend(told_without_words(content.rules, content.phrases, languages))
    if problems:
        raise ContentError(sorted(problems, key=lambda each: (each.file, each.line or 0)))
    return content


@contextmanager
def _collector_resting() -> Iterator[None]:
    """Keep the garbage collector from walking, again and again, what is being read to stay.

    In the end all of it is old at once, as what stays becomes after several walks.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        if enabled:
            gc.enable()


def version_of(root: Path) -> str:
    """Return the SHA-256 over the sorted content files, names included."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.toml")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def stale_numbers(content: Content, today: date) -> list[str]:
    """Return a line for every crisis number nobody has verified in the last 180 days."""
    return [
        f"prompts/sites/{site.id}.toml: {kind} {entry.number} was verified on {entry.verified_on}, more than"
        " 180 days ago; call it, then set verified_on"
        for site in content.sites.values()
        for kind, entry in site.numbers.items()
        if entry.is_stale(today)
    ]


def _by_language(root: Path, problems: list[Problem]) -> Mapping[str, Sequence[Document]]:
    folder = root / "wording"
    codes = sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
    if FALLBACK not in codes:
        problems.append(Problem("wording", f"there is no folder {FALLBACK!r}; every other language needs it"))
    return {code: read_folder(root, f"wording/{code}", problems) for code in codes}


def _policies(root: Path, problems: list[Problem]) -> Mapping[str, Policy]:
    return load_policy(_single(root, "escalation_policy.toml", problems), problems)


def _single(root: Path, name: str, problems: list[Problem]) -> Document | None:
    path = root / name
    return read_document(root, path, problems) if path.exists() else None
