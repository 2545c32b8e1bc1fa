"""Control calls that change something. Each takes the call's JSON body and answers JSON."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.sandbox import groups
from bot.sandbox.errors import ControlError
from bot.sandbox.faults import Fault
from bot.sandbox.params import Upload
from bot.sandbox.people import People
from bot.sandbox.world import BotAccount, Json, Person

Act = Callable[[People, Json], Json]
SAMPLE_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
FILE_KINDS = {
    "photo": ("photo", "photo.png", "image/png"),
    "voice": ("voice", "voice.ogg", "audio/ogg"),
    "video": ("video", "video.mp4", "video/mp4"),
    "sticker": ("sticker", "sticker.webp", "image/webp"),
    "file": ("document", "file.txt", "text/plain"),
}


def _who(people: People, body: Json) -> tuple[Person, BotAccount]:
    return people.person(int(body["person"])), people.board.bot_named(str(body.get("bot", "")))


def _where(body: Json) -> Json:
    """Return the parts of a call that say where a message goes."""
    where: Json = {name: int(body[name]) for name in ("chat", "reply_to") if body.get(name) is not None}
    return where


def add_person(people: People, body: Json) -> Json:
    return people.create(body).model_dump()


def say(people: People, body: Json) -> Json:
    return people.say(*_who(people, body), str(body["text"]), **_where(body))


def start(people: People, body: Json) -> Json:
    payload = str(body.get("payload", ""))
    return people.say(*_who(people, body), f"/start {payload}".strip())


def tap(people: People, body: Json) -> Json:
    if "label" not in body and "data" not in body:
        raise ControlError("label or data is missing")
    return people.tap(*_who(people, body), body)


def _send_file(name: str) -> Act:
    kind, file_name, mime = FILE_KINDS[name]

    def send(people: People, body: Json) -> Json:
        try:
            content = base64.b64decode(str(body.get("content", "")), validate=True)
        except binascii.Error:
            raise ControlError("content must be base64") from None
        sample = SAMPLE_PICTURE if kind == "photo" else b"sample"
        upload = Upload(str(body.get("file_name", file_name)), mime, content or sample)
        caption = str(body.get("caption", ""))
        return people.send_file(*_who(people, body), kind, upload, caption, **_where(body))

    return send


def send_location(people: People, body: Json) -> Json:
    place = {name: float(body[name]) for name in ("latitude", "longitude")}
    return people.send_thing(*_who(people, body), "location", place, **_where(body))


def send_contact(people: People, body: Json) -> Json:
    card = {name: str(body[name]) for name in ("phone_number", "first_name")}
    return people.send_thing(*_who(people, body), "contact", card, **_where(body))


def send_poll(people: People, body: Json) -> Json:
    options = [
        {"text": str(each), "voter_count": 0, "persistent_id": str(number)}
        for number, each in enumerate(body["options"])
    ]
    poll = {
        "id": str(people.board.world.changes + 1), "question": str(body["question"]), "options": options,
        "total_voter_count": 0, "is_closed": False, "is_anonymous": True, "type": "regular",
        "allows_multiple_answers": False, "allows_revoting": True, "members_only": False,
    }  # fmt: skip
    return people.send_thing(*_who(people, body), "poll", poll, **_where(body))


def edit(people: People, body: Json) -> Json:
    return people.edit(*_who(people, body), int(body["message_id"]), str(body["text"]), body.get("chat"))


def delete(people: People, body: Json) -> Json:
    return people.delete(*_who(people, body), int(body["message_id"]), body.get("chat"))


def forward(people: People, body: Json) -> Json:
    return people.forward(*_who(people, body), body)


def block(people: People, body: Json) -> Json:
    return people.block(*_who(people, body))


def unblock(people: People, body: Json) -> Json:
    return people.unblock(*_who(people, body))


def deactivate(people: People, body: Json) -> Json:
    people.person(int(body["person"])).deactivated = True
    return {"ok": True}


def make_group(people: People, body: Json) -> Json:
    group = groups.create_group(people, body)
    return {"chat_id": group.id, "title": group.title, "type": group.type}


def group_add(people: People, body: Json) -> Json:
    group = people.group(int(body["chat"]))
    if "person" in body:
        groups.add_person(people, group, int(body["person"]))
        return {"ok": True}
    bot = people.board.bot_named(str(body["bot"]))
    by = people.person(int(body["by"])).id
    return {"update_id": groups.add_bot(people, group, bot, by, admin=bool(body.get("admin")))}


def group_remove(people: People, body: Json) -> Json:
    bot = people.board.bot_named(str(body["bot"]))
    by = people.person(int(body["by"])).id
    return {"update_id": groups.remove_bot(people, people.group(int(body["chat"])), bot, by)}


def group_migrate(people: People, body: Json) -> Json:
    by = people.person(int(body["by"])).id
    return {"chat_id": groups.migrate(people, people.group(int(body["chat"])), by).id}


def add_fault(people: People, body: Json) -> Json:
    return people.board.faults.add(Fault.model_validate(body)).model_dump(mode="json")


def redeliver(people: People, body: Json) -> Json:
    people.board.redeliver(people.board.bot_named(str(body.get("bot", ""))), int(body["update_id"]))
    return {"ok": True}


def turn_clock(people: People, body: Json) -> Json:
    clock = people.board.clock
    if "set" in body:
        moment = datetime.fromisoformat(str(body["set"]))
        if moment.tzinfo is None:
            raise ControlError('set needs a time zone: "2026-03-01T08:00:00Z"')
        clock.set_to(moment)
    elif "offset" in body:
        clock.set_offset(float(body["offset"]))
    else:
        clock.move(float(body["move"]))
    people.board.touch()
    return {"now": clock.moment().isoformat(), "offset": clock.offset}


def add_bot_account(people: People, body: Json) -> Json:
    """Add a bot, or change one that has this token."""
    token = str(body["token"])
    world = people.board.world
    number = token.partition(":")[0]
    if not number.isdigit():
        raise ControlError('token must look like "123456:letters"')
    known: dict[str, Any] = world.bots[int(number)].model_dump() if int(number) in world.bots else {
        "name": f"bot{number}", "username": f"sandbox_{number}_bot", "first_name": f"Bot {number}",
    }  # fmt: skip
    account = BotAccount.model_validate(known | body | {"id": int(number), "token": token})
    world.bots[account.id] = account
    people.board.touch()
    return {"id": account.id, "name": account.name, "username": account.username}


def reset(people: People, body: Json) -> Json:
    people.board.reset()
    return {"ok": True}


ACTS: dict[str, Act] = {
    "person": add_person, "say": say, "start": start, "tap": tap,
    **{name: _send_file(name) for name in FILE_KINDS},
    "location": send_location, "contact": send_contact, "poll": send_poll,
    "edit": edit, "delete": delete, "forward": forward,
    "block": block, "unblock": unblock, "deactivate": deactivate,
    "group": make_group, "group/add": group_add, "group/remove": group_remove, "group/migrate": group_migrate,
    "fault": add_fault, "redeliver": redeliver, "clock": turn_clock, "bot": add_bot_account, "reset": reset,
}  # fmt: skip
