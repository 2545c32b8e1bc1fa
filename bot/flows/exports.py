"""Taking the record away: one consistent moment, written whole, reconciled, and audited."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from bot.care.instrument import Item
from bot.content import Content
from bot.export.book import Book, Progress, Reveals
from bot.export.dictionary import ItemWords
from bot.export.folder import DiskTrouble, ExportRefused, NothingToExport, Workplace, workplace
from bot.export.formats import FORMATS
from bot.export.manifest import FileEntry, Manifest, entry, reconcile, verify
from bot.export.select import Chosen
from bot.export.shape import Disguise
from bot.flows.clinic import Clinic
from storage import audit, exports, marks
from storage.ids import new_id
from storage.tables import Alert, Message, Response

__all__ = ["DiskTrouble", "ExportRefused", "Manifest", "NothingToExport", "Wanted", "export", "verify"]

OVERLAP = timedelta(minutes=10)  # an answer may be committed a little after the time it carries


@dataclass(frozen=True)
class Wanted:
    """What an export is to hold. Days are local to the patient; both ends count."""

    formats: tuple[str, ...] = ("csv",)
    site: str | None = None
    patient: str | None = None
    from_on: date | None = None
    to_on: date | None = None
    with_text: bool = False
    deidentify: bool = False
    since_last: bool = False
    language: str = "en"

    def filters(self) -> dict[str, object]:
        """Return it in words for the manifest and the audit line."""
        return {name: str(value) if isinstance(value, date) else value for name, value in vars(self).items()}


def export(
    clinic: Clinic,
    folder: Path,
    wanted: Wanted,
    now: datetime,
    *,
    actor: str = "cli",
    progress: Progress | None = None,
) -> Manifest:
    """Write an export to `folder`, which must not be there yet, and return its manifest.

    Raises:
        ExportRefused: it cannot be written there, or asks for what does not exist or contradicts itself.
        NothingToExport: nothing matches.
        DiskTrouble: the disk filled up or failed; nothing was left behind.
        StorageError: the database cannot be read.
    """
    _check(wanted)
    order = _Order(f"export:{new_id(now)}", wanted, now, actor)
    with workplace(folder) as place:
        since = clinic.db.run(lambda tx: _started(tx, order))
        manifest = _write(clinic, place.making, order, since, progress)
        manifest.write(place.making)
        _finished(clinic, place, order, manifest)
        return manifest


@dataclass(frozen=True)
class _Order:
    """One export under way, as the audit chain knows it."""

    subject: str
    wanted: Wanted
    now: datetime
    actor: str

    @property
    def mark(self) -> str:
        return f"export:{self.wanted.site or 'all'}"


def _check(wanted: Wanted) -> None:
    if unknown := [each for each in wanted.formats if each not in FORMATS]:
        raise ExportRefused(f"no format {', '.join(unknown)}; the formats are {', '.join(FORMATS)}")
    if not wanted.formats:
        raise ExportRefused(f"no format was given; the formats are {', '.join(FORMATS)}")
    if wanted.from_on and wanted.to_on and wanted.from_on > wanted.to_on:
        raise ExportRefused(f"from {wanted.from_on} is after to {wanted.to_on}; turn them round")
    if wanted.deidentify and wanted.with_text:
        raise ExportRefused("a de-identified export never has free text; leave out one of the two")


def _started(tx: Session, order: _Order) -> datetime | None:
    """Record that someone takes data away, before any is read; return since when it is asked for."""
    audit.record(tx, order.now, order.actor, "export.started", order.subject, **order.wanted.filters())
    last = marks.mark(tx, order.mark) if order.wanted.since_last else None
    return last.at - OVERLAP if last else None


def _finished(clinic: Clinic, place: Workplace, order: _Order, manifest: Manifest) -> None:
    """Record the export and put it under its name: both or neither."""
    delivered = False
    try:
        with clinic.db.transaction() as tx:
            rows = manifest.tables
            audit.record(tx, order.now, order.actor, "export.finished", order.subject, rows=rows)
            if order.wanted.patient is None:
                marks.set_mark(tx, order.mark, order.now)
            place.deliver()
            delivered = True
    except BaseException:
        if delivered:
            place.take_back()
        raise


def _write(
    clinic: Clinic, making: Path, order: _Order, since: datetime | None, progress: Progress | None
) -> Manifest:
    wanted = order.wanted
    with exports.snapshot(clinic.db) as source, clinic.db.reading() as tx:
        book = Book(
            source,
            _chosen(source, clinic.content, order, since),
            clinic.content.items,
            item_words(clinic.content, wanted.language),
            clinic.content.instruments,
            _reveals(tx) if wanted.with_text else None,
            _disguise(source, tx) if wanted.deidentify else None,
            progress,
        )
        if book.empty:
            raise NothingToExport(_nothing(wanted, since))
        files = tuple(
            entry(path, rows) for name in wanted.formats for path, rows in FORMATS[name](book, making)
        )
        reconcile(files, book.expected)
        versions = source.rows(
            "SELECT DISTINCT content_version FROM check_in WHERE content_version <> '' ORDER BY 1"
        )
    return Manifest(
        made_at=order.now.isoformat(),
        content_versions=tuple(row[0] for row in versions),
        filters=wanted.filters() | {"since": since.isoformat() if since else None},
        tables={**book.tables, "scores": book.parts["scores"]},
        parts=book.parts,
        files=files,
        notes=_notes(wanted, files),
    )


def _chosen(source: exports.Snapshot, content: Content, order: _Order, since: datetime | None) -> Chosen:
    wanted = order.wanted
    zones = source.rows(
        "SELECT zone FROM check_in UNION SELECT zone FROM patient UNION SELECT zone FROM treatment"
    )
    chosen = Chosen(
        now=order.now,
        site=wanted.site,
        patient=wanted.patient,
        from_on=wanted.from_on,
        to_on=wanted.to_on,
        since=since,
        conditional=conditional(content.items.values()),
        zones=tuple(sorted(row[0] for row in zones)),
    )
    sites = {row[0] for row in source.rows("SELECT id FROM site")}
    if wanted.site is not None and wanted.site not in sites:
        raise ExportRefused(
            f"{wanted.site}: there is no such site; there are {', '.join(sorted(sites)) or 'none'}"
        )
    if wanted.patient is not None and not _knows(source, wanted):
        raise ExportRefused(f"{wanted.patient}: no patient has this code; list them with: aftercare patients")
    return chosen


def _knows(source: exports.Snapshot, wanted: Wanted) -> bool:
    known = source.rows("SELECT code, site_id FROM patient WHERE status <> 'erased'")
    return any(code == wanted.patient and wanted.site in (None, site) for code, site in known)


def conditional(items: Collection[Item]) -> tuple[str, ...]:
    """Return the questions asked only after certain answers: without them their absence is no gap."""
    follow_ups = {target for item in items for _, target in item.follow_ups}
    return tuple(sorted(follow_ups | {item.id for item in items if item.asked_when}))


def item_words(content: Content, language: str) -> dict[str, ItemWords]:
    """Return the words of every question in a language."""
    wording = content.wording(language)
    return {
        item_id: ItemWords(words.question, words.low, words.high, words.options, words.short)
        for item_id, words in wording.items.items()
    }


def _reveals(tx: Session) -> Reveals:
    return Reveals(
        answers=exports.revealer(tx, Response, "text_sealed"),
        alerts=exports.revealer(tx, Alert, "outcome_sealed"),
        messages=exports.revealer(tx, Message, "text_sealed"),
    )


def _disguise(source: exports.Snapshot, tx: Session) -> Disguise:
    codes = [row[0] for row in source.rows("SELECT code FROM patient")]
    found = exports.pseudonyms(tx, codes)
    return Disguise(
        {code: each.code for code, each in found.items()}, {code: each.weeks for code, each in found.items()}
    )


def _nothing(wanted: Wanted, since: datetime | None) -> str:
    parts = [
        f"for {wanted.patient}" if wanted.patient else "",
        f"at {wanted.site}" if wanted.site else "",
        f"from {wanted.from_on}" if wanted.from_on else "",
        f"to {wanted.to_on}" if wanted.to_on else "",
        f"since {since:%Y-%m-%d %H:%M} UTC" if since else "",
    ]
    return " ".join(["nothing is recorded", *filter(None, parts)]) + "; no folder was made"


def _notes(wanted: Wanted, files: Collection[FileEntry]) -> tuple[str, ...]:
    notes = []
    if wanted.since_last:
        notes.append(
            "A check-in with anything new in it comes whole, and rows of the ten minutes before the last"
            " export may come again: the keys of the tables, the ids of FHIR and the records of REDCap are"
            " those of the exports before. Into REDCap, import with blank values overwriting."
        )
    if wanted.deidentify:
        notes.append(
            "Codes are replaced, every patient's dates are moved by whole weeks of their own (the same in "
            "every export), sites, zones and free text are left out. Times of one patient keep distance."
        )
    if any(each.name.endswith(".xlsx") for each in files):
        notes.append(
            "In the workbook a table of more than 1,048,575 rows goes on in a sheet named (2) and so on."
        )
    return tuple(notes)
