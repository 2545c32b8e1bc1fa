"""What stands in a chat: every version, marks, menus; and waiting for it."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from bot.sandbox.client import SandboxError
from bot.sandbox.running import RunningSandbox
from tests.sandbox.people import MAYA, SAM, api, control, keyboard, look


def test_every_version_of_a_message_stays_in_the_transcript(sandbox: RunningSandbox) -> None:
    said = control(sandbox, "say", person=MAYA, text="I slept well")["message_id"]
    control(sandbox, "edit", person=MAYA, message_id=said, text="I slept badly")
    sent = api(sandbox, "sendMessage", chat_id=MAYA, text="How long?", reply_markup=keyboard("h:4"))["result"]
    api(sandbox, "editMessageText", chat_id=MAYA, message_id=sent["message_id"], text="4 hours")
    api(sandbox, "deleteMessage", chat_id=MAYA, message_id=sent["message_id"])
    theirs, ours = look(sandbox, "transcript", person=MAYA)["messages"]
    assert [each["text"] for each in theirs["versions"]] == ["I slept well", "I slept badly"]
    assert [each["text"] for each in ours["versions"]] == ["How long?", "4 hours"]
    assert ours["versions"][0]["buttons"][0][0]["data"] == "h:4"
    assert ours["deleted_at"] is not None


def test_marks_of_a_message_are_seen(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    quiet = {"disable_notification": True, "protect_content": True}
    sent = api(sandbox, "sendMessage", chat_id=MAYA, text="note", **quiet)["result"]["message_id"]
    api(sandbox, "pinChatMessage", chat_id=MAYA, message_id=sent)
    api(
        sandbox,
        "setMessageReaction",
        chat_id=MAYA,
        message_id=sent,
        reaction=[{"type": "emoji", "emoji": "✍"}],
    )
    line = look(sandbox, "transcript", person=MAYA)["messages"][-1]
    assert (line["silent"], line["protected"], line["pinned"]) == (True, True, True)
    assert list(line["reactions"].values()) == [["✍"]]


def test_the_two_bots_have_separate_chats_with_the_same_person(sandbox: RunningSandbox) -> None:
    control(sandbox, "say", person=MAYA, text="to care")
    control(sandbox, "say", person=MAYA, text="to alert", bot="alert")
    assert [each["text"] for each in look(sandbox, "transcript", person=MAYA, bot="alert")["messages"]] == [
        "to alert"
    ]
    assert api(sandbox, "getUpdates")["result"][0]["message"]["text"] == "to care"


def test_a_group_with_privacy_is_heard_only_when_spoken_to(sandbox: RunningSandbox) -> None:
    token = "42:quiet-bot"
    control(sandbox, "bot", token=token, name="quiet", username="quiet_bot", reads_groups=False)
    group = control(sandbox, "group", title="Team", members=[MAYA, SAM])["chat_id"]
    control(sandbox, "group/add", chat=group, bot="quiet", by=MAYA)
    unheard = control(sandbox, "say", person=MAYA, text="morning all", chat=group, bot="quiet")
    heard = control(sandbox, "say", person=MAYA, text="/help", chat=group, bot="quiet")
    assert unheard["update_id"] is None
    assert heard["update_id"] is not None


def test_a_file_comes_back_byte_for_byte(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    content = bytes(range(256))
    address = f"{sandbox.api_url}/bot{sandbox.care_token}/sendDocument"
    files = {"document": ("week.csv", content, "text/csv")}
    sent = httpx.post(address, data={"chat_id": MAYA}, files=files).json()["result"]["document"]
    assert sent["file_name"] == "week.csv"
    seen = httpx.get(f"{sandbox.address}/control/file", params={"id": sent["file_id"]})
    assert seen.content == content


def test_waiting_finds_what_is_there_what_comes_and_what_changes(sandbox: RunningSandbox) -> None:
    async def scenario() -> None:
        async with sandbox.client() as people:
            await people.start(MAYA)
            sent = api(sandbox, "sendMessage", chat_id=MAYA, text="How did you sleep?")["result"][
                "message_id"
            ]
            assert (await people.wait_for(MAYA, "did you SLEEP")).message_id == sent
            change = await people.change()
            waiting = asyncio.create_task(people.wait_for(MAYA, re.compile("^Thank"), after=change))
            await asyncio.to_thread(
                lambda: api(sandbox, "editMessageText", chat_id=MAYA, message_id=sent, text="Thank you")
            )
            seen = await waiting
            assert (seen.message_id, seen.edited, seen.versions) == (
                sent,
                True,
                ("How did you sleep?", "Thank you"),
            )
            with pytest.raises(SandboxError, match="Thank you"):
                await people.wait_for(MAYA, "never said", within=0.2)

    asyncio.run(scenario())


def test_the_clock_moves_for_everyone_who_reads_its_file(sandbox: RunningSandbox) -> None:
    control(sandbox, "clock", move=300)
    control(sandbox, "clock", move=-60)
    assert sandbox.clock_file is not None
    assert float(sandbox.clock_file.read_text()) == pytest.approx(240)
    control(sandbox, "clock", set="2026-03-01T08:00:00Z")
    said = control(sandbox, "say", person=MAYA, text="good morning")["message_id"]
    line = look(sandbox, "transcript", person=MAYA)["messages"][-1]
    assert (line["message_id"], line["sent_at"][:16]) == (said, "2026-03-01T08:00")


def test_a_reset_forgets_people_and_keeps_the_bots(sandbox: RunningSandbox) -> None:
    control(sandbox, "say", person=MAYA, text="hello")
    control(sandbox, "fault", method="sendMessage", status=500)
    control(sandbox, "reset")
    assert look(sandbox, "people")["people"] == []
    assert look(sandbox, "faults")["faults"] == []
    assert api(sandbox, "getUpdates")["result"] == []
    assert api(sandbox, "getMe")["ok"]


def test_the_page_and_all_its_parts_are_served(sandbox: RunningSandbox) -> None:
    page = httpx.get(sandbox.address)
    assert page.status_code == 200
    for part in re.findall(r'(?:src|href)="(/page/[^"]+)"', page.text):
        assert httpx.get(sandbox.address + part).status_code == 200
    assert "http" not in re.sub(r'xmlns="[^"]*"', "", page.text)
