"""Groups: made, joined, left, and turned into supergroups under a new id."""

from __future__ import annotations

from bot.sandbox.errors import ControlError
from bot.sandbox.people import People
from bot.sandbox.shapes import bot_shape, member_change, message_shape
from bot.sandbox.world import BotAccount, Chat, Json, Message, Version

SUPERGROUP_OFFSET = -1_000_000_000_000


def create_group(people: People, given: Json) -> Chat:
    """Make a group of people (`members`), or a supergroup when `supergroup` is true."""
    world = people.board.world
    world.last_group_id += 1
    supergroup = bool(given.get("supergroup"))
    chat_id = SUPERGROUP_OFFSET - world.last_group_id if supergroup else -world.last_group_id
    members = {people.person(int(each)).id: "member" for each in given.get("members", [])}
    for first in list(members)[:1]:
        members[first] = "creator"
    group = Chat(id=chat_id, type="supergroup" if supergroup else "group",
                 title=str(given.get("title", "Group")), members=members)  # fmt: skip
    world.chats[group.key] = group
    people.board.touch()
    return group


def add_person(people: People, group: Chat, person_id: int) -> None:
    group.members[people.person(person_id).id] = "member"
    people.board.touch()


def add_bot(people: People, group: Chat, bot: BotAccount, by: int, *, admin: bool = False) -> int | None:
    """Put a bot into a group; it is told by my_chat_member and by a message in the group."""
    before = group.members.get(bot.id, "left")
    after = "administrator" if admin else "member"
    group.members[bot.id] = after
    update_id = _tell_change(people, group, bot, by, (before, after))
    _service(people, group, by, {"new_chat_members": [bot_shape(bot)]})
    return update_id


def remove_bot(people: People, group: Chat, bot: BotAccount, by: int) -> int | None:
    """Throw a bot out: from now on it gets 403 there."""
    before = group.members.get(bot.id)
    if before is None:
        raise ControlError(f"bot {bot.name} was never in group {group.id}")
    group.members[bot.id] = "kicked"
    return _tell_change(people, group, bot, by, (before, "kicked"))


def _tell_change(
    people: People, group: Chat, bot: BotAccount, by: int, change: tuple[str, str]
) -> int | None:
    board = people.board
    shape = member_change(board.world, group, bot, change, by=by, at=board.now())
    return board.deliver(bot, "my_chat_member", shape)


def _service(people: People, group: Chat, by: int, service: Json) -> None:
    board = people.board
    message = Message(id=board.next_message_id(group), sender=by, at=board.now(), kind="service",
                      versions=[Version(at=board.now())], service=service)  # fmt: skip
    board.add_message(group, message)
    for bot in people.readers(group, message):
        board.deliver(bot, "message", message_shape(board.world, group, message))


def migrate(people: People, group: Chat, by: int) -> Chat:
    """Turn a group into a supergroup: a new id, and the old one answers with it."""
    if group.type != "group":
        raise ControlError(f"chat {group.id} is not a basic group")
    world = people.board.world
    world.last_group_id += 1
    new = Chat(id=SUPERGROUP_OFFSET - world.last_group_id, type="supergroup", title=group.title,
               members=dict(group.members))  # fmt: skip
    world.chats[new.key] = new
    _service(people, group, by, {"migrate_to_chat_id": new.id})
    _service(people, new, by, {"migrate_from_chat_id": group.id})
    group.migrated_to = new.id
    people.board.touch()
    return new
