"""What REDCap refuses in a data dictionary and in an import, by its own published rules.

Written from the help text of REDCap's "Data Dictionary" and "Data Import" pages, and from nothing in
this program, so that the two can disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

COLUMNS = [
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?",
    "Branching Logic (Show field only if...)", "Required Field?", "Custom Alignment",
    "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?", "Field Annotation",
]  # fmt: skip
NAME, FORM, _, TYPE, LABEL, CHOICES, _, VALIDATION, LOWEST, HIGHEST, IDENTIFIER, LOGIC, REQUIRED = COLUMNS[
    :13
]
ALIGNMENT, _, MATRIX, RANKING = COLUMNS[13:17]
CHOSEN = {"radio", "dropdown", "checkbox"}
TYPES = CHOSEN | {"text", "notes", "calc", "file", "yesno", "truefalse", "slider", "descriptive", "sql"}
RESERVED = {
    "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group",
    "redcap_survey_identifier", "redcap_survey_timestamp",
}  # fmt: skip
NUMBER = re.compile(r"-?\d+(\.\d+)?")
VALIDATIONS = {
    "integer": re.compile(r"-?\d+"),
    "number": NUMBER,
    "date_ymd": "%Y-%m-%d",
    "datetime_ymd": "%Y-%m-%d %H:%M",
    "datetime_seconds_ymd": "%Y-%m-%d %H:%M:%S",
    "time": "%H:%M",
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
}
LONGEST_NAME, LONGEST_FORM, LONGEST_RECORD = 100, 50, 100
Fields = Sequence[Mapping[str, str]]


def dictionary_problems(header: Sequence[str], fields: Fields) -> Iterator[str]:
    """Yield why REDCap would not take a data dictionary into an empty project."""
    if list(header) != COLUMNS:
        yield "the 18 columns are not those, in that order"
        return
    if not fields or fields[0][TYPE] != "text" or fields[0][VALIDATION]:
        yield "the first field must be the record's id, a plain text"
    names = [each[NAME] for each in fields]
    yield from (f"{name}: is there twice" for name in {each for each in names if names.count(each) > 1})
    forms = [form for form, _ in groupby(each[FORM] for each in fields)]
    yield from (f"{form}: its fields do not stand together" for form in forms if forms.count(form) > 1)
    for each in fields:
        place = each[NAME] or "(a field without a name)"
        yield from (f"{place}: {problem}" for problem in _field_problems(each, set(names), set(forms)))


def _field_problems(field: Mapping[str, str], names: set[str], forms: set[str]) -> Iterator[str]:
    name, form, kind = field[NAME], field[FORM], field[TYPE]
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or "__" in name or name.endswith("_"):
        yield "a name is of small letters, digits and single underscores, and begins with a letter"
    if len(name) > LONGEST_NAME or name in RESERVED | {f"{each}_complete" for each in forms}:
        yield "the name is too long or REDCap's own"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", form) or len(form) > LONGEST_FORM:
        yield "the form's name is of small letters, digits and underscores"
    if kind not in TYPES:
        yield f"there is no field type {kind!r}"
    if not field[LABEL].strip():
        yield "has no label"
    yield from _choice_problems(field)
    yield from _validation_problems(field)
    for flag in (IDENTIFIER, REQUIRED, RANKING):
        if field[flag] not in ("", "y"):
            yield f"{flag} is y or empty"
    if field[ALIGNMENT] not in ("", "LH", "LV", "RH", "RV"):
        yield "the alignment is LH, LV, RH, RV or empty"
    if field[MATRIX] and kind not in ("radio", "checkbox"):
        yield "only radio and checkbox stand in a matrix"
    for other in re.findall(r"\[([^\]\(]+)", field[LOGIC]):
        if other not in names:
            yield f"the branching asks for {other!r}, which is not there"


def choices_of(field: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return codes and labels as REDCap takes them apart: at |, then at the first comma."""
    parts = [each.partition(",") for each in field[CHOICES].split("|")]
    return [(code.strip(), label.strip()) for code, _, label in parts]


def _choice_problems(field: Mapping[str, str]) -> Iterator[str]:
    if field[TYPE] not in CHOSEN:
        if field[CHOICES] and field[TYPE] not in ("calc", "slider", "sql"):
            yield f"a field of type {field[TYPE]} has no choices"
        return
    found = choices_of(field)
    codes = [code for code, _ in found]
    if len(codes) != len({each.lower() for each in codes}):
        yield "two choices have the same code"
    if not all(re.fullmatch(r"-?[A-Za-z0-9._]+", code) and label for code, label in found):
        yield 'a choice is "code, label", the code of letters, digits, points and underscores'


def _validation_problems(field: Mapping[str, str]) -> Iterator[str]:
    kind, ends = field[VALIDATION], [field[LOWEST], field[HIGHEST]]
    if kind and (field[TYPE] != "text" or kind not in VALIDATIONS):
        yield f"the validation {kind!r} is not one, or not of a text field"
    if any(ends) and not kind:
        yield "has a limit and no validation"
    if kind and not all(each == "" or fits(kind, each) for each in ends):
        yield "a limit is not of the validation's own kind"
    if kind in ("number", "integer") and all(ends) and float(ends[0]) > float(ends[1]):
        yield "the lowest is above the highest"


def fits(validation: str, value: str) -> bool:
    """Return whether REDCap takes a value under a validation."""
    form = VALIDATIONS[validation]
    if not isinstance(form, str):
        return form.fullmatch(value) is not None
    try:
        return datetime.strptime(value, form).replace(tzinfo=UTC).strftime(form) == value
    except ValueError:
        return False


def record_problems(header: Sequence[str], points: Fields, fields: Fields) -> Iterator[str]:
    """Yield why REDCap would not take data points, a row each, into a project with these fields."""
    if list(header) != ["record", "field_name", "value"]:
        yield "the columns of an EAV import are record, field_name, value"
        return
    known = {each[NAME]: each for each in fields}
    seen: set[tuple[str, str]] = set()
    for point in points:
        place = f"{point['record']} {point['field_name']}"
        if not point["record"].strip() or len(point["record"]) > LONGEST_RECORD:
            yield f"{place}: no name for a record"
        if (point["record"], point["field_name"]) in seen:
            yield f"{place}: is there twice"
        seen.add((point["record"], point["field_name"]))
        if point["field_name"] not in known:
            yield f"{place}: the project has no such field"
        elif point["value"] and not _takes(known[point["field_name"]], point["value"]):
            yield f"{place}: is not a value of this field"


def _takes(field: Mapping[str, str], value: str) -> bool:
    if field[TYPE] in ("truefalse", "yesno"):
        return value in ("0", "1")
    if field[TYPE] in ("radio", "dropdown"):
        return value in [code for code, _ in choices_of(field)]
    within = not field[LOWEST] or float(field[LOWEST]) <= float(value) <= float(field[HIGHEST])
    return within and (not field[VALIDATION] or fits(field[VALIDATION], value))
