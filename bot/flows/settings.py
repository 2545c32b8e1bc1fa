"""Language, time zone and quiet hours: asked at enrolment, changed at any time."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from bot.care.local_time import find_zones, is_zone, read_quiet_hours, zones_like
from bot.flows import menus, treatments
from bot.flows.cards import in_rows
from bot.flows.talk import Buttons, Talk
from bot.message import Button
from storage import audit

COMMON_ZONES = {
    "US": ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
           "America/Anchorage", "Pacific/Honolulu"),
    "CA": ("America/St_Johns", "America/Halifax", "America/Toronto", "America/Winnipeg",
           "America/Edmonton", "America/Vancouver"),
    "MX": ("America/Mexico_City", "America/Cancun", "America/Hermosillo", "America/Tijuana"),
    "AU": ("Australia/Sydney", "Australia/Adelaide", "Australia/Darwin", "Australia/Perth"),
    "ES": ("Europe/Madrid", "Atlantic/Canary"),
}  # fmt: skip
QUIET_CHOICES = (("21:30", "07:30"), ("20:00", "08:00"), ("22:30", "06:30"))
LANGUAGE, ZONE, QUIET = "language", "zone", "quiet"


def ask_language(talk: Talk, key: str = "patient.language.ask") -> None:
    talk.tell(talk.say(key), buttons=language_buttons(talk))


def language_buttons(talk: Talk) -> Buttons:
    """Return a button for each language the site speaks, each in its own language."""
    spoken = talk.clinic.content.sites[talk.patient.site_id].languages
    known = [code for code in spoken if code in talk.clinic.content.languages]
    wordings = talk.clinic.content.languages
    return tuple(
        in_rows([Button(wordings[code].say("patient.language.name"), f"e:lang:{code}") for code in known], 2)
    )


def set_language(talk: Talk, code: str) -> bool:
    """Change the language; False when there is no such language here."""
    site = talk.clinic.content.sites[talk.patient.site_id]
    if code not in site.languages or code not in talk.clinic.content.languages:
        return False
    _change(talk, "language", code)
    menus.show(talk)
    return True


def ask_zone(talk: Talk) -> None:
    site = talk.clinic.content.sites[talk.patient.site_id]
    zones = zones_like(site.zone, talk.now, COMMON_ZONES.get(site.country, ()))
    talk.tell(talk.say("patient.zone.ask"), buttons=zone_buttons(talk, zones))


def zone_buttons(talk: Talk, zones: tuple[str, ...]) -> Buttons:
    buttons = [
        talk.button("patient.zone.button", f"e:zone:{zone}", zone=zone, time=local_clock(talk, zone))
        for zone in zones
    ]
    return tuple(in_rows(buttons, 1))


def local_clock(talk: Talk, zone: str) -> str:
    return talk.now.astimezone(ZoneInfo(zone)).strftime("%H:%M")


def set_zone(talk: Talk, zone: str) -> bool:
    """Change the time zone and plan again what is still to come; False when it is no zone."""
    if not is_zone(zone):
        return False
    _change(talk, "zone", zone)
    treatments.plan(talk)
    return True


def read_zone(talk: Talk, text: str) -> bool:
    """Take a typed place; nonsense and places that exist twice are asked about again."""
    found = find_zones(text)
    if len(found) == 1:
        return set_zone(talk, found[0])
    key = "patient.zone.which" if found else "patient.zone.unknown"
    talk.tell(talk.say(key), buttons=zone_buttons(talk, found[:8]))
    return False


def ask_quiet(talk: Talk) -> None:
    talk.tell(talk.say("patient.quiet.ask"), buttons=quiet_buttons(talk))


def quiet_buttons(talk: Talk) -> Buttons:
    return tuple(
        (talk.button("patient.quiet.button", f"e:quiet:{start}-{end}", quiet_from=start, quiet_to=end),)
        for start, end in QUIET_CHOICES
    )


def set_quiet(talk: Talk, text: str) -> bool:
    """Change the quiet hours and plan again; False when the text is not two clock times."""
    hours = read_quiet_hours(text)
    if hours is None:
        return False
    start, end = (each.strftime("%H:%M") for each in hours)
    _change(talk, "quiet_from", start)
    _change(talk, "quiet_to", end)
    treatments.plan(talk)
    return True


def read_quiet(talk: Talk, text: str) -> bool:
    """Take typed quiet hours; what is not two clock times is asked again with examples."""
    if set_quiet(talk, text):
        return True
    talk.tell(talk.say("patient.quiet.unknown"), buttons=quiet_buttons(talk))
    return False


def _change(talk: Talk, column: str, value: str) -> None:
    before = getattr(talk.patient, column)
    setattr(talk.patient, column, value)
    talk.tx.add(talk.patient)
    talk.tx.flush()
    if before != value:
        actor, subject = f"patient:{talk.patient.id}", f"patient:{talk.patient.id}"
        audit.record(talk.tx, talk.now, actor, f"patient.{column}_changed", subject)


def confirm_language(talk: Talk) -> None:
    talk.tell(talk.say("patient.language.set"))


def confirm_zone(talk: Talk) -> None:
    talk.tell(talk.say("patient.zone.set", time=local_clock(talk, talk.patient.zone)))


def confirm_quiet(talk: Talk) -> None:
    talk.tell(talk.say("patient.quiet.set"))


CONFIRM: dict[str, Callable[[Talk], None]] = {
    LANGUAGE: confirm_language,
    ZONE: confirm_zone,
    QUIET: confirm_quiet,
}


def show(talk: Talk) -> None:
    """Show what is set, with a button to change each."""
    language = talk.say("patient.language.name")
    buttons = tuple((talk.button(f"patient.settings.{each}", f"e:ask:{each}"),) for each in CONFIRM)
    talk.tell(talk.say("patient.settings.show", language=language), buttons=buttons)
