"""The most memory a whole export takes, at a tenth of the rows and at all of them: it must stay flat."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bot.flows.clinic import Clinic
from bot.flows.exports import Wanted, export
from storage.database import Database
from storage.vault import Vault
from tests.bench.export_data import CONTENT, MASTER_KEY, NOW, answers_wanted, make_clinic, say

MEASURES = ("export_memory",)
FORMATS = ("csv", "parquet", "xlsx")
LIMIT_MB = 250


def peak_mb(folder: Path, form: str) -> float:
    """Return the peak of a process of its own that exports the database in `folder`."""
    command = [sys.executable, "-m", "tests.bench.export_memory", "--child", str(folder), form]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def child(folder: Path, form: str) -> None:
    db = Database.open(f"sqlite:///{folder / 'bench.db'}", Vault([MASTER_KEY]))
    export(Clinic(db, CONTENT), folder / form, Wanted(formats=(form,)), NOW)
    shutil.rmtree(folder / form)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]), sys.argv[3])
        return 0
    wanted = answers_wanted()
    peaks = {}
    for answers in (wanted // 10, wanted):
        with tempfile.TemporaryDirectory(prefix="aftercare-bench-") as name:
            make_clinic(Path(name), answers).db.close()
            peaks[answers] = {form: peak_mb(Path(name), form) for form in FORMATS}
    for form in FORMATS:
        few, many = peaks[wanted // 10][form], peaks[wanted][form]
        say(
            name=f"export_memory_{form}", ours=many, against=LIMIT_MB, ratio=many / LIMIT_MB, limit=1.0,
            unit="MB", at_a_tenth=few, answers=wanted,
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
