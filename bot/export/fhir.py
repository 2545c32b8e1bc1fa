"""FHIR R4: a QuestionnaireResponse for every check-in, an Observation for every rating, gap and score.

Every part of a resource is written once by orjson and used again as it is; the model library reads
back every shape of resource the first time it occurs, and a sample of all of them. So nothing
invalid leaves the house, at a speed the model library alone could not reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, starmap
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from bot.care.instrument import Item
from bot.export.book import Book
from bot.export.columns import ANSWER_ID, CHECK_IN_ID
from bot.export.fhir_values import (
    BASE,
    LOINC,
    PATIENTS,
    SURVEY,
    Row,
    absence,
    absent,
    item_code,
    item_value,
    questionnaire_answer,
    score_value,
)
from bot.export.marks import mark
from bot.export.scores import Scored

SAMPLE_EVERY = 2_000
ID_LENGTH = 64
VALUES_FROM = Row._fields.index("item")
"""The fields of a row from here on say what was asked and answered; those before, who and when."""
INSTANT = "%Y-%m-%dT%H:%M:%SZ"
Written = Iterator[tuple[Path, Mapping[str, int]]]


class InvalidResource(Exception):
    """A resource of a new shape is not what FHIR R4 allows. Names kind and shape, never content."""


@dataclass
class Checker:
    """Has the model library read every new shape, and every so many resources of any."""

    seen: set[object] = field(default_factory=set)
    written: int = 0
    validated: int = 0

    def check(self, each: Resource) -> None:
        self.written += 1
        if each.shape not in self.seen or self.written % SAMPLE_EVERY == 0:
            self.seen.add(each.shape)
            self.validated += 1
            validate(each.kind, each.line)


def validate(kind: str, line: bytes) -> None:
    """Read one resource with the model library.

    Raises:
        InvalidResource: it is not FHIR R4.
    """
    from fhir.resources.R4B.observation import Observation
    from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse
    from pydantic import ValidationError

    models: dict[str, Any] = {"Observation": Observation, "QuestionnaireResponse": QuestionnaireResponse}
    try:
        models[kind].model_validate(orjson.loads(line))
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
        raise InvalidResource(f"{kind}: {', '.join(places)}") from None


class Resource(NamedTuple):
    """One resource, written. Resources of one `shape` are of one kind and differ in their values only."""

    kind: str
    id: str
    line: bytes
    shape: int


def resources(book: Book) -> Iterator[Resource]:
    """Yield every resource of the export."""
    maker = _Maker(book.items, {name: words.question for name, words in book.words.items()})
    rows = (
        row for batch in book.narrow("answers", Row._fields, (CHECK_IN_ID, ANSWER_ID)) for row in _rows(batch)
    )
    for key, group in groupby(rows, key=_check_in_of):
        yield from maker.check_in(_CheckIn.of(key), list(group))
    for scored in book.scores():
        yield maker.score(scored)


def _rows(batch: pa.RecordBatch) -> Iterator[Row]:
    names = [name for name in Row._fields if name in batch.schema.names]
    return starmap(Row, zip(*(_plain(batch.column(name)) for name in names), strict=True))


def _plain(column: pa.Array) -> list[Any]:
    if not pa.types.is_timestamp(column.type):
        plain: list[Any] = column.to_pylist()
        return plain
    text = pc.replace_substring(column.cast(pa.timestamp("s")).cast(pa.string()), " ", "T")
    instants: list[Any] = pc.binary_join_element_wise(text, "Z", "").to_pylist()
    return instants


Key = tuple[str, str | None, str | None]


def _check_in_of(row: Row) -> Key:
    return row.patient_code, row.check_in_id, row.slot


@dataclass(frozen=True)
class _CheckIn:
    """What the resources of one check-in share; `slot` is empty for answers outside any."""

    mark: str  # of the check-in, in every id
    slot: str | None
    subject: bytes
    derived: bytes  # the member that names the response, for the answers given in it

    @classmethod
    def of(cls, key: Key) -> _CheckIn:
        subject = {"type": "Patient", "identifier": {"system": PATIENTS, "value": key[0]}}
        named = mark(*key[:2])
        derived = b',"derivedFrom":[{"reference":"QuestionnaireResponse/qr-%b"}]' % named.encode()
        return cls(named, key[2], orjson.dumps(subject), derived)

    @property
    def response_id(self) -> str:
        return f"qr-{self.mark}"


class _Mould(NamedTuple):
    """What observations of one question and one answer have in common, written once."""

    head: bytes
    value: bytes
    shape: int
    is_words: bool


class _Maker:
    """Makes resources; what repeats is written once and used again as it is."""

    def __init__(self, items: Mapping[str, Item], questions: Mapping[str, str]) -> None:
        self._items = items
        self._questions = questions
        self._names: dict[str, str] = {}
        self._heads: dict[tuple[str, str], bytes] = {}
        self._moulds: dict[tuple[object, ...], _Mould] = {}
        self._answers: dict[tuple[object, ...], bytes] = {}
        self._shapes: dict[object, int] = {}

    def check_in(self, check_in: _CheckIn, rows: list[Row]) -> Iterator[Resource]:
        """Yield the response to a check-in, when it has one, and an observation for every row."""
        given = [row for row in rows if row.answered_utc is not None and not row.superseded]
        derived = bool(given) and check_in.slot is not None
        if derived:
            yield self._response(check_in, given)
        times: dict[str, int] = {}
        for row in rows:
            times[row.item] = number = times.get(row.item, 0) + 1
            yield self._observation(check_in, row, number, derived)

    def _response(self, check_in: _CheckIn, rows: list[Row]) -> Resource:
        first = rows[0]
        status = b"amended" if any(row.edited for row in rows) else b"completed"
        asked = [self._answer(row) for row in rows]
        line = (
            b'{"resourceType":"QuestionnaireResponse","id":"%b","questionnaire":%b,"status":"%b",'
            b'"subject":%b,"authored":"%b","item":[%b]}'
        ) % (
            check_in.response_id.encode(),
            orjson.dumps(f"{BASE}/Questionnaire/{first.check_in_kind}|{first.content_version}"),
            status,
            check_in.subject,
            max(row.answered_utc or "" for row in rows).encode(),
            b",".join(asked),
        )
        shape = self._shape((status, *[(row.item, row.status, row.answer) for row in rows]))
        return Resource("QuestionnaireResponse", check_in.response_id, line, shape)

    def _shape(self, described: object) -> int:
        """Return a number for a shape: numbers are looked up faster than what they stand for."""
        return self._shapes.setdefault(described, len(self._shapes))

    def _answer(self, row: Row) -> bytes:
        key = (row.item, row.status, row.value, row.answer, row.text)
        found = self._answers.get(key)
        if found is None:
            found = orjson.dumps(questionnaire_answer(self._items.get(row.item), row))
            if not row.text:
                self._answers[key] = found
        return found

    def _observation(self, check_in: _CheckIn, row: Row, number: int, derived: bool) -> Resource:
        """Return a row as an observation: what its mould holds, and what is this row's own."""
        derived = derived and row.answered_utc is not None
        key = (*row[VALUES_FROM:], derived)
        mould = self._moulds.get(key)
        if mould is None:
            mould = self._mould(row, derived)
            if not row.text and not mould.is_words:
                self._moulds[key] = mould
        row_id = self._row_id(check_in, row, number)
        line = b'%b,"id":"%b","subject":%b,"effectiveDateTime":"%b",%b%b}' % (
            mould.head,
            row_id.encode(),
            check_in.subject,
            (row.answered_utc or row.due_utc or "").encode(),
            mould.value,
            check_in.derived if derived else b"",
        )
        return Resource("Observation", row_id, line, mould.shape)

    def _mould(self, row: Row, derived: bool) -> _Mould:
        status = "entered-in-error" if row.superseded else "amended" if row.edited else "final"
        value = absent(row) or item_value(self._items.get(row.item), row)
        members = orjson.dumps(value)[1:-1]
        if row.text:
            members += b',"note":[{"text":%b}]' % orjson.dumps(row.text)
        shape = self._shape((row.item, status, tuple(value), row.answer, derived, bool(row.text)))
        return _Mould(self._head(row.item, status), members, shape, "valueString" in value)

    def _row_id(self, check_in: _CheckIn, row: Row, number: int) -> str:
        if check_in.slot is None:
            return f"ob-{mark(check_in.mark, row.answer_id)}"
        plain = f"ob-{check_in.mark}-{self._name(row.item)}-{number}"
        return plain if len(plain) <= ID_LENGTH else f"ob-{mark(check_in.mark, row.item, number)}"

    def _name(self, item_id: str) -> str:
        """Return an item's id in the characters a resource's id may have."""
        if item_id not in self._names:
            plain = item_id.replace("_", ".")
            fits = plain.replace(".", "").isalnum() and plain.isascii()
            self._names[item_id] = plain if fits else mark(item_id)
        return self._names[item_id]

    def _head(self, item_id: str, status: str) -> bytes:
        key = (item_id, status)
        if key not in self._heads:
            code = item_code(item_id, self._items.get(item_id), self._questions.get(item_id, ""))
            head = {"resourceType": "Observation", "status": status, "category": SURVEY, "code": code}
            self._heads[key] = orjson.dumps(head)[:-1]
        return self._heads[key]

    def score(self, scored: Scored) -> Resource:
        """Return a questionnaire's score, derived from the response it was added up from."""
        where, total = scored.check_in, scored.total
        check_in = _CheckIn.of((where["patient_code"], where["check_in_id"], where["slot"]))
        score = f"{scored.instrument.id}.{total.key}"
        loinc = [{"system": LOINC, "code": total.loinc}] if total.loinc else []
        code = {
            "coding": [*loinc, {"system": f"{BASE}/CodeSystem/score", "code": score}],
            "text": f"{scored.instrument.title}: {total.key}",
        }
        value = absence("items_missing") if total.value is None else score_value(total.value)
        body = {
            "resourceType": "Observation",
            "id": f"sc-{mark(check_in.mark, score)}",
            "status": "final",
            "category": SURVEY,
            "code": code,
            "subject": orjson.Fragment(check_in.subject),
            "effectiveDateTime": scored.completed_utc.strftime(INSTANT),
            **value,
            "derivedFrom": [{"reference": f"QuestionnaireResponse/{check_in.response_id}"}],
        }
        shape = self._shape((score, *value))
        return Resource("Observation", str(body["id"]), orjson.dumps(body), shape)


def write_ndjson(book: Book, folder: Path) -> Written:
    """Write one file for each kind of resource, a resource a line, as bulk export has it."""
    kinds = ("QuestionnaireResponse", "Observation")
    paths = {kind: folder / f"{kind}.ndjson" for kind in kinds}
    files = {kind: path.open("wb", buffering=1 << 20) for kind, path in paths.items()}
    puts = {kind: file.write for kind, file in files.items()}
    try:
        rows = _write(book, lambda each: puts[each.kind](each.line + b"\n"))
    finally:
        for file in files.values():
            file.close()
    yield paths["QuestionnaireResponse"], {"questionnaire_responses": rows["qr"]}
    yield paths["Observation"], {"observations": rows["ob"], "scores": rows["sc"]}


def write_bundle(book: Book, folder: Path) -> Written:
    """Write everything as one Bundle of type collection."""
    path = folder / "bundle.json"
    with path.open("wb", buffering=1 << 20) as file:
        file.write(b'{"resourceType":"Bundle","type":"collection","entry":[')
        between = [b"", b","]

        def put(each: Resource) -> None:
            url = f'"{BASE}/{each.kind}/{each.id}"'.encode()
            file.write(between[0] + b'\n{"fullUrl":' + url + b',"resource":' + each.line + b"}")
            between[0] = between[1]

        rows = _write(book, put)
        file.write(b"\n]}\n" if any(rows.values()) else b"]}\n")
    yield (
        path,
        {"questionnaire_responses": rows["qr"], "observations": rows["ob"], "scores": rows["sc"]},
    )


def _write(book: Book, put: Callable[[Resource], object]) -> dict[str, int]:
    """Check and put every resource; return how many by the kind their id begins with."""
    checker = Checker()
    rows = {"qr": 0, "ob": 0, "sc": 0}
    for each in resources(book):
        checker.check(each)
        put(each)
        rows[each.id[:2]] += 1
    return rows
