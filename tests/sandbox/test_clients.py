"""Three strict clients, each unchanged, read every answer the sandbox gives."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import aiogram
import httpx
import pytest
import telebot
import telegram
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import BotCommandScopeChat as AiogramScopeChat
from aiogram.types import BufferedInputFile, InputMediaDocument
from aiogram.types import InlineKeyboardButton as AiogramButton
from aiogram.types import InlineKeyboardMarkup as AiogramMarkup
from aiogram.types import ReactionTypeEmoji as AiogramEmoji
from telebot import asyncio_helper
from telebot.async_telebot import AsyncTeleBot

from bot.sandbox.running import RunningSandbox
from tests.sandbox.people import MAYA, SAM

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000 1f15c4890000000d49444154789c6364f8cf500f"
    "0003860180 5a347d6a0000000049454e44ae426082".replace(" ", "")
)


def ptb_bot(sandbox: RunningSandbox) -> telegram.Bot:
    return telegram.Bot(
        sandbox.care_token,
        base_url=f"{sandbox.api_url}/bot",
        base_file_url=f"{sandbox.api_url}/file/bot",
    )


def aiogram_bot(sandbox: RunningSandbox) -> aiogram.Bot:
    session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.api_url))
    return aiogram.Bot(sandbox.care_token, session=session)


async def everything_people_do(sandbox: RunningSandbox) -> int:
    """Let people do one of everything; return the number of updates this makes."""
    async with sandbox.client() as people:
        await people.person(MAYA, "Maya", "es")
        await people.start(MAYA, "INVITE_1")
        said = await people.say(MAYA, "a bad night")
        await people.edit(MAYA, said.message_id, "a very bad night")
        for kind in ("photo", "voice", "video", "sticker", "file"):
            await people.send(MAYA, kind)
        await people.send(MAYA, "location", latitude=51.5, longitude=-0.1)
        await people.send(MAYA, "contact", phone_number="+44 20 7946 0000", first_name="Sam")
        await people.send(MAYA, "poll", question="Tea?", options=["yes", "no"])
        await people.post("forward", person=MAYA, text="their words", **{"from": "Kit"})
        await people.post("forward", person=MAYA, message_id=said.message_id)
        await people.say(MAYA, "about that", reply_to=said.message_id)
        group = (await people.post("group", title="Team", members=[MAYA, SAM]))["chat_id"]
        await people.post("group/add", chat=group, bot="care", by=MAYA)
        await people.say(SAM, "hello team", chat=group)
        await people.post("group/migrate", chat=group, by=MAYA)
        await people.post("group/remove", chat=group, bot="care", by=MAYA)
        await people.block(MAYA)
        await people.unblock(MAYA)
        answer = await people.get("updates", bot="care")
    return len(answer["waiting"])


def test_python_telegram_bot_reads_every_kind_of_update(sandbox: RunningSandbox) -> None:
    async def scenario() -> None:
        made = await everything_people_do(sandbox)
        async with ptb_bot(sandbox) as bot:
            updates = await bot.get_updates(allowed_updates=telegram.Update.ALL_TYPES)
            assert len(updates) == made
            assert updates[0].message is not None
            assert updates[0].message.text == "/start INVITE_1"
            photo = next(each.message.photo for each in updates if each.message and each.message.photo)
            assert await (await bot.get_file(photo[-1].file_id)).download_as_bytearray()

    asyncio.run(scenario())


def test_aiogram_reads_every_kind_of_update(sandbox: RunningSandbox) -> None:
    async def scenario() -> None:
        made = await everything_people_do(sandbox)
        async with aiogram_bot(sandbox) as bot:
            updates = await bot.get_updates()
            assert len(updates) == made
            assert {each.event_type for each in updates} == {"message", "edited_message", "my_chat_member"}

    asyncio.run(scenario())


def test_pytelegrambotapi_reads_every_kind_of_update(sandbox: RunningSandbox, monkeypatch: Any) -> None:
    monkeypatch.setattr(asyncio_helper, "API_URL", sandbox.api_url + "/bot{0}/{1}")

    async def scenario() -> None:
        made = await everything_people_do(sandbox)
        bot = AsyncTeleBot(sandbox.care_token)
        try:
            updates = await bot.get_updates()
            assert len(updates) == made
            assert [each.edited_message.text for each in updates if each.edited_message] == [
                "a very bad night"
            ]
        finally:
            await bot.close_session()

    asyncio.run(scenario())


async def tapped(sandbox: RunningSandbox, label: str) -> None:
    async with sandbox.client() as people:
        await people.tap(MAYA, label)


def test_python_telegram_bot_reads_every_answer(sandbox: RunningSandbox) -> None:
    async def scenario() -> None:
        async with sandbox.client() as people, ptb_bot(sandbox) as bot:
            await people.start(MAYA)
            keyboard = telegram.InlineKeyboardMarkup(
                [[telegram.InlineKeyboardButton("4", callback_data="sleep:4")]]
            )
            card = await bot.send_message(MAYA, "How did you <b>sleep</b>?", "HTML", reply_markup=keyboard)
            assert card.entities[0].type == "bold"
            await tapped(sandbox, "4")
            query = (await bot.get_updates(offset=-1))[0].callback_query
            assert query is not None
            assert query.data == "sleep:4"
            assert await query.answer("Noted")
            await bot.edit_message_text("Thank you", MAYA, card.message_id)
            photo = await bot.send_photo(MAYA, PNG, caption="your week")
            await bot.edit_message_caption(MAYA, photo.message_id, caption="your month")
            document = await bot.send_document(MAYA, io.BytesIO(b"a,b\n"), filename="log.csv")
            assert document.document is not None
            assert document.document.file_name == "log.csv"
            new = telegram.InputMediaDocument(io.BytesIO(b"c"), filename="b.csv", caption="newer")
            assert (await bot.edit_message_media(new, MAYA, document.message_id)).caption == "newer"
            await bot.send_voice(MAYA, b"ogg")
            await bot.send_sticker(MAYA, b"webp")
            assert await bot.set_message_reaction(MAYA, card.message_id, "👍")
            assert await bot.pin_chat_message(MAYA, card.message_id)
            assert (await bot.get_chat(MAYA)).pinned_message is not None
            assert await bot.unpin_chat_message(MAYA, card.message_id)
            assert await bot.send_chat_action(MAYA, "typing")
            assert (await bot.forward_message(MAYA, MAYA, card.message_id)).forward_origin is not None
            assert (await bot.copy_message(MAYA, MAYA, photo.message_id)).message_id
            scope = telegram.BotCommandScopeChat(MAYA)
            assert await bot.set_my_commands([("alerts", "Open alerts")], scope=scope, language_code="es")
            assert (await bot.get_my_commands(scope, "es"))[0].command == "alerts"
            assert await bot.get_my_commands() == ()
            assert await bot.delete_my_commands(scope, "es")
            assert await bot.set_my_description("Stays with you")
            assert (await bot.get_my_description()).description == "Stays with you"
            assert await bot.set_my_short_description("Stays")
            assert (await bot.get_my_name()).name == "Aftercare"
            assert (await bot.get_chat_member(MAYA, MAYA)).status == "member"
            assert await bot.delete_message(MAYA, card.message_id)
            assert await bot.delete_messages(MAYA, [photo.message_id])
            assert (await bot.get_webhook_info()).url == ""

    asyncio.run(scenario())


def test_aiogram_reads_every_answer(sandbox: RunningSandbox) -> None:
    async def scenario() -> None:
        async with sandbox.client() as people, aiogram_bot(sandbox) as bot:
            await people.start(MAYA)
            keyboard = AiogramMarkup(inline_keyboard=[[AiogramButton(text="4", callback_data="sleep:4")]])
            card = await bot.send_message(MAYA, "How did you sleep?", reply_markup=keyboard)
            await tapped(sandbox, "4")
            query = (await bot.get_updates(offset=-1))[0].callback_query
            assert query is not None
            assert await bot.answer_callback_query(query.id, text="Noted")
            edited = await bot.edit_message_text("Thank you", chat_id=MAYA, message_id=card.message_id)
            assert edited.edit_date is not None
            photo = await bot.send_photo(MAYA, BufferedInputFile(PNG, "week.png"), caption="your week")
            assert photo.photo
            document = await bot.send_document(MAYA, BufferedInputFile(b"a", "log.csv"))
            media = InputMediaDocument(media=BufferedInputFile(b"b", "b.csv"))
            await bot.edit_message_media(media, chat_id=MAYA, message_id=document.message_id)
            await bot.send_voice(MAYA, BufferedInputFile(b"ogg", "voice.ogg"))
            await bot.send_sticker(MAYA, BufferedInputFile(b"webp", "sticker.webp"))
            assert await bot.set_message_reaction(MAYA, card.message_id, [AiogramEmoji(emoji="👍")])
            assert await bot.pin_chat_message(MAYA, card.message_id)
            assert (await bot.get_chat(MAYA)).pinned_message is not None
            assert (await bot.forward_message(MAYA, MAYA, card.message_id)).forward_origin is not None
            scope = AiogramScopeChat(chat_id=MAYA)
            commands = [aiogram.types.BotCommand(command="alerts", description="Open alerts")]
            assert await bot.set_my_commands(commands, scope=scope)
            assert [each.command for each in await bot.get_my_commands(scope=scope)] == ["alerts"]
            group = (await people.post("group", title="Team", members=[MAYA], supergroup=True))["chat_id"]
            await people.post("group/add", chat=group, bot="care", by=MAYA, admin=True)
            assert (await bot.get_chat_member(group, bot.id)).status == "administrator"
            assert (await bot.get_chat(group)).type == "supergroup"
            assert len(await bot.get_chat_administrators(group)) == 2
            assert await bot.leave_chat(group)
            assert (await bot.get_me()).is_bot
            assert (await bot.get_webhook_info()).pending_update_count >= 0

    asyncio.run(scenario())


def test_pytelegrambotapi_reads_every_answer(sandbox: RunningSandbox, monkeypatch: Any) -> None:
    monkeypatch.setattr(asyncio_helper, "API_URL", sandbox.api_url + "/bot{0}/{1}")

    async def scenario() -> None:
        bot = AsyncTeleBot(sandbox.care_token)
        async with sandbox.client() as people:
            await people.start(MAYA)
            keyboard = telebot.types.InlineKeyboardMarkup()
            keyboard.add(telebot.types.InlineKeyboardButton("4", callback_data="sleep:4"))
            card = await bot.send_message(MAYA, "How did you sleep?", reply_markup=keyboard)
            await tapped(sandbox, "4")
            query = (await bot.get_updates())[-1].callback_query
            assert await bot.answer_callback_query(query.id, "Noted")
            edited = await bot.edit_message_text("Thank you", MAYA, card.message_id)
            assert edited.text == "Thank you"
            photo = await bot.send_photo(MAYA, PNG, caption="your week")
            assert photo.caption == "your week"
            document = await bot.send_document(MAYA, io.BytesIO(b"a"), visible_file_name="log.csv")
            assert document.document.file_name == "log.csv"
            assert await bot.download_file((await bot.get_file(document.document.file_id)).file_path) == b"a"
            assert await bot.set_message_reaction(
                MAYA, card.message_id, [telebot.types.ReactionTypeEmoji("👍")]
            )
            assert await bot.pin_chat_message(MAYA, card.message_id)
            assert (await bot.get_chat(MAYA)).pinned_message.message_id == card.message_id
            assert await bot.set_my_commands([telebot.types.BotCommand("alerts", "Open alerts")])
            assert (await bot.get_my_commands(None, None))[0].command == "alerts"
            assert (await bot.get_chat_member(MAYA, MAYA)).status == "member"
            assert (await bot.get_me()).username == "aftercare_demo_bot"
        await bot.close_session()

    monkeypatch.setattr(asyncio_helper, "FILE_URL", sandbox.api_url + "/file/bot{0}/{1}")
    asyncio.run(scenario())


@pytest.mark.parametrize("colon", [":", "%3A"])
def test_a_token_may_come_with_its_colon_escaped(sandbox: RunningSandbox, colon: str) -> None:
    async def scenario() -> None:
        address = f"{sandbox.api_url}/bot{sandbox.care_token.replace(':', colon)}/getMe"
        async with httpx.AsyncClient() as http:
            answer = await http.get(address)
            assert answer.json()["result"]["is_bot"]

    asyncio.run(scenario())
