"""Methods about the bot itself, its commands and descriptions, chats and files."""

from __future__ import annotations

import re
from typing import Any

from bot.sandbox.calls import Call, find_chat, method
from bot.sandbox.errors import bad_request
from bot.sandbox.shapes import bot_shape, full_chat_shape, me_shape, member_change, member_shape, person_shape
from bot.sandbox.world import BotAccount, Chat, Json

COMMAND = re.compile(r"[a-z0-9_]{1,32}")
PLAIN_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")


@method("getMe")
def get_me(call: Call) -> Json:
    return me_shape(call.bot)


@method("logOut", "close")
def log_out(call: Call) -> bool:
    return True


def scope_key(call: Call) -> str:
    """Return where a command list is kept: its scope, as narrow as asked for, and its language."""
    scope = call.params.object("scope", "BotCommandScope") or {"type": "default"}
    kind = scope.get("type") if isinstance(scope, dict) else None
    language = call.params.text("language_code")
    if kind in PLAIN_SCOPES:
        return f"{kind}|{language}"
    if kind not in ("chat", "chat_administrators", "chat_member"):
        raise bad_request("unsupported bot command scope")
    chat = find_chat(call.world, call.bot, str(scope.get("chat_id", "")))
    if chat is None:
        raise bad_request("chat not found")
    member = f":{scope.get('user_id')}" if kind == "chat_member" else ""
    return f"{kind}:{chat.id}{member}|{language}"


@method("setMyCommands")
def set_commands(call: Call) -> bool:
    commands = call.params.object("commands", "bot command")
    if not isinstance(commands, list):
        raise bad_request("can't parse bot commands: expected an Array")
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    kept = []
    for each in commands:
        name = str(each.get("command", "")).removeprefix("/")
        words = str(each.get("description", ""))
        if not COMMAND.fullmatch(name):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(words) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        kept.append({"command": name, "description": words})
    call.bot.commands[scope_key(call)] = kept
    call.board.touch()
    return True


@method("getMyCommands")
def get_commands(call: Call) -> list[dict[str, str]]:
    return call.bot.commands.get(scope_key(call), [])


@method("deleteMyCommands")
def delete_commands(call: Call) -> bool:
    call.bot.commands.pop(scope_key(call), None)
    call.board.touch()
    return True


def commands_shown(bot: BotAccount, chat: Chat, language: str) -> list[dict[str, str]]:
    """Return the menu a person sees: the narrowest scope wins, their language before none."""
    wide = ["all_private_chats", "default"] if chat.private else ["all_group_chats", "default"]
    for scope in (f"chat:{chat.id}", *wide):
        for tongue in (language, ""):
            if found := bot.commands.get(f"{scope}|{tongue}"):
                return found
    return []


TEXTS = {
    "description": ("Description", 512),
    "short_description": ("ShortDescription", 120),
    "name": ("Name", 64),
}


def _text_methods(field: str, label: str, limit: int) -> None:
    @method(f"setMy{label}")
    def set_text(call: Call) -> bool:
        text = call.params.text(field)
        if len(text) > limit:
            raise bad_request(f"{field.replace('_', ' ')} is too long")
        call.bot.texts[f"{field}|{call.params.text('language_code')}"] = text
        call.board.touch()
        return True

    @method(f"getMy{label}")
    def get_text(call: Call) -> Json:
        default = call.bot.first_name if field == "name" else ""
        given = call.bot.texts.get(f"{field}|{call.params.text('language_code')}")
        return {field: given or call.bot.texts.get(f"{field}|") or default}


for _field, (_label, _limit) in TEXTS.items():
    _text_methods(_field, _label, _limit)


@method("getChat")
def get_chat(call: Call) -> Json:
    return full_chat_shape(call.world, call.chat())


@method("getChatMember")
def get_chat_member(call: Call) -> Json:
    chat = call.chat()
    member = call.params.integer("user_id")
    status = "member" if chat.private and member in (chat.id, call.bot.id) else chat.members.get(member)
    if status is None and member not in call.world.people:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member_shape(_user_shape(call, member), status or "left")


@method("getChatAdministrators")
def get_chat_administrators(call: Call) -> list[Json]:
    chat = call.chat()
    return [
        member_shape(_user_shape(call, member), status)
        for member, status in chat.members.items()
        if status in ("administrator", "creator")
    ]


@method("getChatMemberCount")
def get_chat_member_count(call: Call) -> int:
    chat = call.chat()
    return 2 if chat.private else sum(each not in ("left", "kicked") for each in chat.members.values())


def _user_shape(call: Call, member: int) -> Json:
    if member in call.world.bots:
        return bot_shape(call.world.bots[member])
    return person_shape(call.world.people[member])


@method("leaveChat")
def leave_chat(call: Call) -> bool:
    chat = call.chat()
    if chat.private:
        raise bad_request("chat member status can't be changed in private chats")
    before = chat.members[call.bot.id]
    chat.members[call.bot.id] = "left"
    change = member_change(call.world, chat, call.bot, (before, "left"), by=call.bot.id, at=call.board.now())
    call.board.deliver(call.bot, "my_chat_member", change)
    call.board.touch()
    return True


@method("getFile")
def get_file(call: Call) -> Json:
    stored = call.world.files.get(call.params.text("file_id"))
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    return {
        "file_id": stored.id,
        "file_unique_id": stored.unique_id,
        "file_size": len(stored.content),
        "file_path": stored.path,
    }


@method("getUserProfilePhotos")
def get_profile_photos(call: Call) -> dict[str, Any]:
    return {"total_count": 0, "photos": []}


@method("setChatMenuButton")
def set_menu_button(call: Call) -> bool:
    return True


@method("getChatMenuButton")
def get_menu_button(call: Call) -> Json:
    return {"type": "default"}
