"""Commands that take the record away, prove it, keep it safe, or erase it."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import click

from bot.cli.endings import ExitCode, Refused
from bot.cli.opening import open_clinic, open_database
from bot.cli.progress import show
from bot.clock import Clock
from bot.export.names import FORMAT_NAMES
from bot.settings import load_settings
from storage.vault import Vault

Day = click.DateTime(["%Y-%m-%d"])


def add_to(group: click.Group) -> None:
    for each in (export, summary, audit, backup, restore, erase, rewrap):
        group.add_command(each)


@click.group(invoke_without_command=True)
@click.option("--out", type=click.Path(path_type=Path), help="The folder to make; it must not be there yet.")
@click.option(
    "--format", "formats", default="csv", show_default=True, help=f"One or more of {','.join(FORMAT_NAMES)}."
)
@click.option("--site", help="One site only.")
@click.option("--patient", help="One patient only, by code.")
@click.option("--from", "from_on", type=Day, help="First day, in the patient's own calendar.")
@click.option("--to", "to_on", type=Day, help="Last day, counted in.")
@click.option(
    "--with-text", is_flag=True, help="The patients' own words too; leaves an audit line of its own."
)
@click.option("--deidentify", is_flag=True, help="Other codes, shifted days, no words.")
@click.option("--since-last", is_flag=True, help="Only what is new since the last export of this kind.")
@click.option("--language", default="en", show_default=True, help="The language of labels in the dictionary.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest instead of a sentence.")
@click.pass_context
def export(
    context: click.Context,
    /,
    out: Path | None,
    formats: str,
    from_on: datetime | None,
    to_on: datetime | None,
    as_json: bool,
    site: str | None,
    patient: str | None,
    with_text: bool,
    deidentify: bool,
    since_last: bool,
    language: str,
) -> None:
    """Write the record to a folder, with a data dictionary and a manifest that reconciles."""
    if context.invoked_subcommand:
        return
    from bot.flows.exports import Wanted
    from bot.flows.exports import export as write

    if out is None:
        raise click.UsageError("missing option '--out': the folder to make")
    wanted = Wanted(
        formats=tuple(each.strip() for each in formats.split(",") if each.strip()),
        from_on=from_on.date() if from_on else None,
        to_on=to_on.date() if to_on else None,
        site=site,
        patient=patient,
        with_text=with_text,
        deidentify=deidentify,
        since_last=since_last,
        language=language,
    )
    with open_clinic() as (clinic, clock):
        manifest = write(
            clinic, out, wanted, clock(), progress=show if sys.stderr.isatty() and not as_json else None
        )
    if as_json:
        click.echo((out / "manifest.json").read_text())
        return
    rows = ", ".join(f"{count} {table}" for table, count in manifest.tables.items())
    click.echo(f"{out}: {len(manifest.files)} files; {rows}. Prove it with: aftercare export verify {out}")


@export.command("verify")
@click.argument("folder", type=click.Path(path_type=Path))
def export_verify(folder: Path) -> None:
    """Prove that a delivered folder is whole and unchanged."""
    from bot.flows.exports import verify

    problems = verify(folder)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise Refused(f"{folder}: {len(problems)} problems; ask for a new export", ExitCode.BUG)
    click.echo(f"{folder}: every file is as it was written")


@click.command()
@click.argument("code")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The file to make: .pdf or .html."
)
@click.option("--with-text", is_flag=True, help="The patient's own words too; leaves an audit line.")
def summary(code: str, out: Path, with_text: bool) -> None:
    """Write a patient's two-page visit summary."""
    from bot.flows.summaries import write_summary

    with open_clinic() as (clinic, clock):
        write_summary(clinic, code, out, clock(), with_text=with_text, actor="cli")
    click.echo(str(out))


@click.group()
def audit() -> None:
    """The chain of who did what."""


@audit.command("verify")
@click.option("--head", "published", metavar="NUMBER:HASH", help="A head that was published outside.")
@click.option("--json", "as_json", is_flag=True)
def audit_verify(published: str | None, as_json: bool) -> None:
    """Prove that no audit line was changed, removed or cut off."""
    from storage.audit import verify

    known = None
    if published:
        number, _, digest = published.partition(":")
        if not number.isdigit() or not digest:
            raise click.BadParameter("write it as NUMBER:HASH, as /metrics and the log show it")
        known = (int(number), digest)
    with open_clinic() as (clinic, _), clinic.db.reading() as tx:
        report = verify(tx, known)
    if as_json:
        click.echo(
            json.dumps({"lines": report.lines, "problems": list(report.problems), "head": report.head})
        )
    else:
        for problem in report.problems:
            click.echo(problem, err=True)
        click.echo(f"{report.lines} audit lines, {len(report.problems)} problems; head {report.head}")
    if report.problems:
        raise Refused(
            "the audit chain was tampered with; keep the database as it is and call the admin", ExitCode.BUG
        )


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Write a whole copy of the database to FILE, and the patients' keys to a file beside it."""
    from storage.backup import KEYS_NAME
    from storage.backup import backup as write

    settings = load_settings(needs_token=False)
    db = open_database(settings)
    try:
        write(db, file, Clock(settings.clock_file)())
    finally:
        db.close()
    click.echo(f"{file} and {file.with_name(KEYS_NAME)}: written and proven")
    click.echo("They open only with the master key of this installation; keep that one apart")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--keys", type=click.Path(path_type=Path), help="The keys file, when it is not beside FILE.")
def restore(file: Path, keys: Path | None) -> None:
    """Put a backup where no database is any more; whoever was erased since stays erased."""
    from storage.backup import restore as read

    settings = load_settings(needs_token=False)
    read(file, settings.database_url, Vault(settings.keys), Clock(settings.clock_file)(), keys=keys)
    click.echo("restored. Replies that Telegram still holds come in when the bot starts")


@click.command()
@click.argument("code")
@click.option("--with-alert", is_flag=True, help="Even though an alert about this patient is open.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keys", type=click.Path(path_type=Path), help="The keys file beside your backups: made anew.")
def erase(code: str, with_alert: bool, yes: bool, keys: Path | None) -> None:
    """Erase a patient's words and ways to reach them, for good."""
    from bot.flows.erasure import erase as do
    from storage.backup import write_keys

    if not yes:
        click.confirm(f"Erase everything {code} wrote? This cannot be undone", abort=True)
    with open_clinic() as (clinic, clock):
        receipt = do(clinic, code, clock(), "cli", with_alert)
        if keys is not None:
            write_keys(clinic.db, keys, clock())
    when = "had been erased" if receipt.already else "erased"
    emptied = ", ".join(f"{count} {table}" for table, count in receipt.rows.items())
    at = f"{receipt.erased_at:%Y-%m-%d %H:%M} UTC"
    click.echo(f"{receipt.code}: {when} {at}; audit line {receipt.audit_line}; {emptied}")
    if not receipt.scrubbed:
        click.echo("old pages of the database file are still being read; the running bot empties them next")
    if keys is None:
        click.echo(
            "Backups made before still hold the key: run aftercare backup, or erase again with --keys FILE"
        )


@click.command()
def rewrap() -> None:
    """Move everything to the first master key, so that an older one can be taken out of the settings."""
    from storage import audit as chain
    from storage.vault import rewrap as move

    with open_clinic() as (clinic, clock), clinic.db.transaction() as tx:
        moved = move(tx)
        chain.record(tx, clock(), "cli", "keys.rewrapped", "vault", values=moved)
    click.echo(
        f"{moved} values moved to the first master key; the older keys can be taken out of the settings"
    )
