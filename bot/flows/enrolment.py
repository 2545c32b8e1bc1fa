"""Enrolment: language, consent page by page, a question back, time zone, quiet hours.

Where it stands is `patient.step`, so that it goes on after any interruption. Before the last page
of the consent has been shown nothing can be agreed to, whatever button is pressed.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.care.checkin import fold
from bot.flows import invites, menus, settings, treatments
from bot.flows.talk import Buttons, Talk, answer_tap
from bot.message import Reply
from storage import audit, patients
from storage.tables import Invite, PatientStatus

CONSENT, TEACH, ENROL, SET = "consent", "teach", "enrol", "set"
ENROLLED = (PatientStatus.ACTIVE, PatientStatus.PAUSED)
SETTLED = ("lang", "agree", "decline", "teach", "zone", "quiet")  # once answered, the buttons go


def begin(talk: Talk, invite: Invite, reply: Reply) -> None:
    """Link the chat to the patient the invite is for, and ask for the language."""
    patients.link_chat(talk.tx, talk.patient, reply.chat_id)
    invites.use(talk.tx, invite, talk.now)
    guessed = reply.language_code[:2].lower()
    if guessed in talk.clinic.content.sites[talk.patient.site_id].languages:
        talk.patient.language = guessed
    audit.record(talk.tx, talk.now, f"patient:{talk.patient.id}", "patient.linked", f"invite:{invite.id}")
    start_over(talk)


def start_over(talk: Talk) -> None:
    """Ask for consent from the beginning; nothing is sent or kept until it is given."""
    talk.patient.status = PatientStatus.CONSENTING
    _step(talk, settings.LANGUAGE)
    menus.show(talk)
    settings.ask_language(talk, "patient.enrol.language")


def return_after_stop(talk: Talk) -> None:
    talk.tell(talk.say("patient.enrol.again"))
    start_over(talk)


def go_on(talk: Talk) -> None:
    """Ask again what is open, for somebody who comes back in the middle."""
    step = talk.patient.step
    if step.startswith(CONSENT):
        text, buttons = page(talk, _page_number(step))
        talk.tell(text, buttons=buttons)
    elif step == TEACH:
        talk.tell(talk.say("patient.enrol.teach"), buttons=_teach_buttons(talk))
    elif step.startswith(ENROL):
        ASK[step.split(":")[1]](talk)
    else:
        settings.ask_language(talk, "patient.enrol.language")


ASK: dict[str, Callable[[Talk], None]] = {
    settings.LANGUAGE: settings.ask_language,
    settings.ZONE: settings.ask_zone,
    settings.QUIET: settings.ask_quiet,
}


def _step(talk: Talk, step: str) -> None:
    talk.patient.step = step
    talk.tx.add(talk.patient)
    talk.tx.flush()


def receive_tap(talk: Talk, reply: Reply) -> None:
    """Act on a button of enrolment or settings; one that does not fit where things stand is refused."""
    parts = reply.data.split(":", 2)
    action, given = parts[1], parts[2] if len(parts) > 2 else ""
    act = ACTIONS.get(action)
    if act is None or not act(talk, given, reply):
        answer_tap(talk.tx, reply, talk.now, talk.say("patient.tap.unreadable"), alert=True)
        return
    if action in SETTLED:
        talk.settle_pressed(reply)
    answer_tap(talk.tx, reply, talk.now)


def receive_words(talk: Talk, reply: Reply) -> bool:
    """Take typed words as the answer to what enrolment or settings asks; False when nothing is asked."""
    step, words = talk.patient.step, fold(reply.text).strip(" .!?¡¿")
    if step in (f"{ENROL}:{settings.ZONE}", f"{SET}:{settings.ZONE}"):
        return _after(talk, settings.ZONE) if settings.read_zone(talk, reply.text) else True
    if step in (f"{ENROL}:{settings.QUIET}", f"{SET}:{settings.QUIET}"):
        return _after(talk, settings.QUIET) if settings.read_quiet(talk, reply.text) else True
    if step == TEACH and words in {*_words(talk, "yes"), *_words(talk, "no")}:
        return _taught(talk, "yes" if words in _words(talk, "yes") else "no", reply)
    return talk.patient.status == PatientStatus.CONSENTING and _consent_words(talk, step, words, reply)


def _consent_words(talk: Talk, step: str, words: str, reply: Reply) -> bool:
    """Read a typed "next", "I agree", "no" or the name of a language."""
    if step.startswith(CONSENT):
        last = _page_number(step) >= pages(talk)
        if last and words in _words(talk, "yes"):
            return _agree(talk, "", reply)
        return not last and words in _words(talk, "next") and _turn_page(talk, 1)
    named = _language_named(talk, words)
    return step == settings.LANGUAGE and bool(named) and _language(talk, named, reply)


def _words(talk: Talk, name: str) -> set[str]:
    return {fold(each) for each in talk.say(f"patient.typed.{name}").split("|")}


def _language_named(talk: Talk, words: str) -> str:
    wordings = talk.clinic.content.languages
    return next(
        (code for code, each in wordings.items() if words in (code, fold(each.say("patient.language.name")))),
        "",
    )


def _language(talk: Talk, code: str, reply: Reply) -> bool:
    if not settings.set_language(talk, code):
        return False
    if talk.patient.status == PatientStatus.CONSENTING:
        _step(talk, f"{CONSENT}:1")
        text, buttons = page(talk, 1)
        talk.tell(text, buttons=buttons)
    else:
        settings.confirm_language(talk)
    return True


def pages(talk: Talk) -> int:
    return int(talk.say("patient.consent.pages"))


def _page_number(step: str) -> int:
    return int(step.partition(":")[2] or 1)


def page(talk: Talk, n: int, prefix: str = "e") -> tuple[str, Buttons]:
    """Return page `n` of the consent; `prefix` says whose buttons they are."""
    header = talk.say("patient.consent.header", n=n, of=pages(talk))
    body = talk.say(f"patient.consent.p{n}", version=talk.say("patient.consent.version"))
    onward = talk.button("patient.enrol.next", f"{prefix}:page:{n + 1}")
    back = talk.button("patient.enrol.back", f"{prefix}:page:{n - 1}")
    if n < pages(talk):
        return f"{header}\n\n{body}", ((back, onward) if n > 1 else (onward,),)
    agree = talk.button("patient.enrol.agree", f"{prefix}:agree")
    decline = talk.button("patient.enrol.decline", f"{prefix}:decline")
    return f"{header}\n\n{body}", ((agree,), (decline,), (back,))


def _turn_page(talk: Talk, by: int) -> bool:
    """Show another page as a new message, for somebody who types."""
    n = min(_page_number(talk.patient.step) + by, pages(talk))
    _step(talk, f"{CONSENT}:{n}")
    text, buttons = page(talk, n)
    talk.tell(text, buttons=buttons)
    return True


def _open_page(talk: Talk, given: str, reply: Reply) -> bool:
    """Turn to a page; only to one next to the page shown, so that none is passed over."""
    step = talk.patient.step
    near = step.startswith(CONSENT) and given.isdecimal() and abs(int(given) - _page_number(step)) <= 1
    if not near or not 1 <= int(given) <= pages(talk):
        return False
    _step(talk, f"{CONSENT}:{given}")
    text, buttons = page(talk, int(given))
    talk.change_pressed(reply, text, buttons=buttons)
    return True


def _at_last_page(talk: Talk) -> bool:
    consenting = talk.patient.status == PatientStatus.CONSENTING
    return consenting and talk.patient.step == f"{CONSENT}:{pages(talk)}"


def _agree(talk: Talk, given: str, reply: Reply) -> bool:
    """Record the consent with its version and time, and ask one question back."""
    if not _at_last_page(talk):
        return False
    version = consent_version(talk)
    talk.patient.consent_version, talk.patient.consent_at = version, talk.now
    talk.patient.status = PatientStatus.ACTIVE
    _step(talk, TEACH)
    actor = f"patient:{talk.patient.id}"
    audit.record(talk.tx, talk.now, actor, "consent.given", f"patient:{talk.patient.id}", version=version)
    treatments.plan(talk)
    menus.pin_emergency_note(talk)
    menus.show(talk)
    talk.tell(talk.say("patient.enrol.teach"), buttons=_teach_buttons(talk))
    return True


def consent_version(talk: Talk) -> str:
    """Return what is stored of the text agreed to: its version and its language."""
    return f"{talk.say('patient.consent.version')} {talk.patient.language}"


def _decline(talk: Talk, given: str, reply: Reply) -> bool:
    if talk.patient.status != PatientStatus.CONSENTING or not talk.patient.step.startswith(CONSENT):
        return False
    talk.patient.status = PatientStatus.WITHDRAWN
    _step(talk, "")
    audit.record(
        talk.tx, talk.now, f"patient:{talk.patient.id}", "consent.refused", f"patient:{talk.patient.id}"
    )
    talk.tell(talk.say("patient.enrol.declined"))
    return True


def _teach_buttons(talk: Talk) -> Buttons:
    yes = talk.button("patient.enrol.teach_yes", "e:teach:yes")
    return ((yes, talk.button("patient.enrol.teach_no", "e:teach:no")),)


def _taught(talk: Talk, given: str, reply: Reply) -> bool:
    """Say whether it was understood, and go on either way: the consent stands."""
    if talk.patient.step != TEACH or given not in ("yes", "no"):
        return False
    talk.tell(talk.say("patient.enrol.teach_right" if given == "no" else "patient.enrol.teach_wrong"))
    _step(talk, f"{ENROL}:{settings.ZONE}")
    settings.ask_zone(talk)
    return True


def _zone(talk: Talk, given: str, reply: Reply) -> bool:
    return _settled(talk, settings.ZONE) and settings.set_zone(talk, given) and _after(talk, settings.ZONE)


def _quiet(talk: Talk, given: str, reply: Reply) -> bool:
    return _settled(talk, settings.QUIET) and settings.set_quiet(talk, given) and _after(talk, settings.QUIET)


def _settled(talk: Talk, what: str) -> bool:
    """Return whether a setting may be changed now: by somebody enrolled, or when enrolment asks for it."""
    return talk.patient.status in ENROLLED and talk.patient.step in ("", f"{ENROL}:{what}", f"{SET}:{what}")


def _after(talk: Talk, what: str) -> bool:
    """Confirm a setting and, in enrolment, ask for the next one."""
    enrolling = talk.patient.step.startswith(ENROL)
    settings.CONFIRM[what](talk)
    if enrolling and what == settings.ZONE:
        _step(talk, f"{ENROL}:{settings.QUIET}")
        settings.ask_quiet(talk)
    elif enrolling:
        _step(talk, "")
        talk.tell(talk.say("patient.enrol.finished"))
    else:
        _step(talk, "")
    return True


def ask_setting(talk: Talk, given: str, reply: Reply | None = None) -> bool:
    """Ask for a setting again, from /settings or its own command."""
    if (
        talk.patient.status not in ENROLLED
        or given not in ASK
        or talk.patient.step.startswith((ENROL, TEACH))
    ):
        return False
    _step(talk, f"{SET}:{given}" if given != settings.LANGUAGE else "")
    ASK[given](talk)
    return True


ACTIONS: dict[str, Callable[[Talk, str, Reply], bool]] = {
    "lang": _language,
    "page": _open_page,
    "agree": _agree,
    "decline": _decline,
    "teach": _taught,
    "zone": _zone,
    "quiet": _quiet,
    "ask": ask_setting,
}
