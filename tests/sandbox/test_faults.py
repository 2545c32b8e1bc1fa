"""Trouble on purpose: each fault happens as often as asked, and acts or does not act as it says."""

from __future__ import annotations

import httpx
import pytest

from bot.sandbox.running import RunningSandbox
from tests.sandbox.people import MAYA, api, control, look, refused


def delivered(sandbox: RunningSandbox) -> list[str]:
    return [each["text"] for each in look(sandbox, "transcript", person=MAYA)["messages"] if each["from_bot"]]


def send(sandbox: RunningSandbox, text: str, seconds: float = 10) -> httpx.Response:
    address = f"{sandbox.api_url}/bot{sandbox.care_token}/sendMessage"
    return httpx.post(address, data={"chat_id": MAYA, "text": text}, timeout=seconds)


@pytest.mark.parametrize(
    ("kind", "arrives"),
    [
        pytest.param("reset_before", False, id="the connection dies before"),
        pytest.param("reset_after", True, id="the connection dies after"),
        pytest.param("half", True, id="half an answer"),
        pytest.param("hang_before", False, id="no answer, nothing done"),
        pytest.param("hang_after", True, id="no answer, but it was done"),
    ],
)
def test_an_unclear_send(sandbox: RunningSandbox, kind: str, arrives: bool) -> None:
    control(sandbox, "start", person=MAYA)
    control(sandbox, "fault", method="sendMessage", kind=kind)
    with pytest.raises(httpx.TransportError):
        send(sandbox, "first", seconds=0.5)
    assert delivered(sandbox) == (["first"] if arrives else [])
    assert send(sandbox, "second").is_success


def test_a_proxy_s_page_comes_instead_of_json(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    control(sandbox, "fault", method="sendMessage", kind="html")
    answer = send(sandbox, "first")
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (502, "text/html")
    assert delivered(sandbox) == []


def test_an_answer_that_is_not_json_comes_after_it_was_done(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    control(sandbox, "fault", method="sendMessage", kind="garbage")
    with pytest.raises(ValueError, match="Expecting value"):
        send(sandbox, "first").json()
    assert delivered(sandbox) == ["first"]


def test_too_many_requests_says_when_to_come_back_and_how_often_is_counted(sandbox: RunningSandbox) -> None:
    control(sandbox, "start", person=MAYA)
    control(sandbox, "fault", method="sendMessage", retry_after=7, times=2, skip=1)
    answers = [api(sandbox, "sendMessage", chat_id=MAYA, text=str(number)) for number in range(4)]
    refusal = refused(429, "Too Many Requests: retry after 7", retry_after=7)
    assert [each["ok"] for each in answers] == [True, False, False, True]
    assert answers[1] == refusal


def test_a_fault_can_be_meant_for_one_chat_and_one_bot_alone(sandbox: RunningSandbox) -> None:
    for bot in ("care", "alert"):
        control(sandbox, "start", person=MAYA, bot=bot)
    control(sandbox, "fault", method="*", bot="care", chat_id=MAYA, status=403, times=0)
    assert api(sandbox, "sendMessage", chat_id=MAYA, text="x") == refused(
        403, "Forbidden: bot was blocked by the user"
    )
    assert api(sandbox, "getMe")["ok"]
    assert api(sandbox, "sendMessage", token=sandbox.alert_token, chat_id=MAYA, text="x")["ok"]
    httpx.delete(f"{sandbox.address}/control/faults")
    assert api(sandbox, "sendMessage", chat_id=MAYA, text="x")["ok"]


@pytest.mark.parametrize(
    ("call", "body", "words"),
    [
        ("say", {"person": MAYA}, "text is missing"),
        ("say", {"person": MAYA, "text": "x", "bot": "nobody"}, 'no bot "nobody"'),
        ("tap", {"person": MAYA, "label": "OK"}, "no such button"),
        ("fault", {"kind": "meteor"}, "kind"),
        ("clock", {"set": "2026-01-01T08:00:00"}, "time zone"),
        ("group/add", {"chat": -5, "person": MAYA}, "no group -5"),
    ],
)
def test_a_wrong_control_call_says_what_is_wrong(
    sandbox: RunningSandbox, call: str, body: dict[str, object], words: str
) -> None:
    answer = httpx.post(f"{sandbox.address}/control/{call}", json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
