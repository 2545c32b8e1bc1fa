"""The names of the file formats, for those who only need the names: `formats` loads what writes them."""

from __future__ import annotations

FORMAT_NAMES = ("csv", "xlsx", "parquet", "fhir", "ndjson", "redcap")
