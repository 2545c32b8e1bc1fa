"""The demonstration walked through in a real browser, as a visitor does in the first minute."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from bot.sandbox.cast import FRIGHTENING, PATIENT, STAFF
from tests.sandbox.browser import browser, demo, picture

ON_CALL, BACKUP, LEAD = (each.person for each in STAFF)
SOON_MS = 45_000
QUESTIONS_AT_MOST = 25
QUESTION = re.compile(r"Question \d+ of \d+")

expect.set_options(timeout=SOON_MS)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with demo(tmp_path_factory.mktemp("demo") / "run") as running:
        yield running


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with browser() as opened:
        context = opened.new_context(
            viewport={"width": 1400, "height": 900}, accept_downloads=True, reduced_motion="reduce"
        )
        page = context.new_page()
        page.set_default_timeout(SOON_MS)
        page.goto(address)
        yield page
        context.close()


def phone(page: Page, person: int) -> Locator:
    return page.locator(f"#phone-{person}")


def newest_keys(page: Page, person: int) -> Locator:
    return phone(page, person).locator(".message:has(.keys)").last


def answer_check_in(page: Page) -> None:
    """Press the first answer of every question, and Done where several may be picked."""
    card = newest_keys(page, PATIENT.person)
    for _ in range(QUESTIONS_AT_MOST):
        words = card.locator(".words").inner_text()
        if not QUESTION.search(words):
            return
        many = card.get_by_role("button", name="Done").count() > 0
        before = card.locator(".keys").inner_text()
        card.locator(".keys button").first.click()
        if many:
            expect(card.locator(".keys")).not_to_have_text(before, use_inner_text=True)
            card.get_by_role("button", name="Done").click()
        expect(card.locator(".words")).not_to_have_text(words, use_inner_text=True)
    pytest.fail("the check-in has no end")


def test_the_first_minute_of_a_visitor(page: Page, tmp_path: Path) -> None:
    expect(newest_keys(page, PATIENT.person)).to_contain_text("Question 1 of")
    expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
    picture(page, "1-check-in")
    answer_check_in(page)

    field = phone(page, PATIENT.person).get_by_role("textbox")
    field.fill(FRIGHTENING)
    field.press("Enter")
    on_call = newest_keys(page, ON_CALL)
    expect(on_call).to_contain_text("EMERGENCY")
    expect(on_call).not_to_contain_text(FRIGHTENING)
    expect(page.locator("#alerts")).to_contain_text("Dr Amara Osei (on call) paged")
    picture(page, "2-page")

    page.get_by_role("button", name="+5 min").click()
    backup = newest_keys(page, BACKUP)
    expect(backup).to_contain_text("EMERGENCY")
    expect(page.locator("#alerts")).to_contain_text("Jonas Lind (backup) paged")
    picture(page, "3-backup")

    backup.get_by_role("button", name="I have this").click()
    expect(page.locator("#alerts")).to_contain_text("Jonas Lind has it")
    expect(phone(page, ON_CALL).locator(".log")).to_contain_text("Jonas Lind")
    picture(page, "4-claimed")

    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the log").click()
    path = tmp_path / "log.csv"
    downloading.value.save_as(path)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert FRIGHTENING not in path.read_text()
    expect(page.locator("#guide li.done")).to_have_count(6)


def test_a_killed_bot_comes_back_and_the_patient_notices_nothing(page: Page) -> None:
    page.get_by_role("button", name="Kill the bot").click()
    expect(page.locator("#bot-state")).to_contain_text("started 2 times")
    field = phone(page, PATIENT.person).get_by_role("textbox")
    field.fill("/help")
    field.press("Enter")
    log = phone(page, PATIENT.person).locator(".log")
    expect(log.locator(".message").last).to_contain_text("/pause")


def test_the_clock_goes_to_the_next_check_in(page: Page) -> None:
    newest = newest_keys(page, PATIENT.person)
    expect(newest).not_to_contain_text("Question")
    page.get_by_role("button", name="To the next check-in").click()
    expect(newest).to_contain_text("Question 1 of")


def says(page: Page, person: int, text: str) -> None:
    field = phone(page, person).get_by_role("textbox")
    field.fill(text)
    field.press("Enter")


def picture_shown(page: Page, person: int, words: str) -> Locator:
    """Return the newest message with a picture, once its picture is drawn and these words are under it."""
    message = phone(page, person).locator(".message:has(img)").last
    expect(message).to_contain_text(words)
    shown = message.locator("img")
    expect(shown).to_be_visible()
    page.wait_for_function("each => each.complete && each.naturalWidth > 600", arg=shown.element_handle())
    return message


def test_a_chart_reaches_the_phones_as_a_picture_with_its_words(page: Page) -> None:
    """Uploaded by the bot, kept by the service, fetched again by the phone: staff's and the patient's own."""
    expect(newest_keys(page, PATIENT.person)).to_contain_text("Question 1 of")
    answer_check_in(page)
    says(page, ON_CALL, "/patients")
    line = phone(page, ON_CALL).locator(".message", has_text=re.compile(r"K-\d{4} ·")).last
    code = re.search(r"K-\d{4}", line.inner_text())
    assert code is not None
    says(page, ON_CALL, f"/chart {code[0]}")
    staffs = picture_shown(page, ON_CALL, f"Chart {code[0]} from")
    expect(staffs).to_contain_text("Alerts: emergency")
    says(page, PATIENT.person, "/history")
    own = picture_shown(page, PATIENT.person, "Treatments:")
    expect(own).not_to_contain_text("emergency")
    expect(own).not_to_contain_text(code[0])
    picture(page, "6-chart")


def test_every_control_has_a_name_and_every_region_a_label(page: Page) -> None:
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a, textarea")].filter((each) =>
            each.offsetParent && !(each.getAttribute("aria-label") || each.textContent.trim())).length"""
    )
    assert nameless == 0
    for region in page.locator("section, aside, main, [role=log]").all():
        assert region.get_attribute("aria-label") or region.get_attribute("aria-labelledby")


def test_a_phone_s_width_shows_one_phone_at_a_time_and_works_by_keyboard(address: str, page: Page) -> None:
    assert page.context.browser is not None
    context = page.context.browser.new_context(viewport={"width": 390, "height": 844})
    narrow = context.new_page()
    narrow.goto(address)
    expect(phone(narrow, PATIENT.person)).to_be_visible()
    expect(phone(narrow, BACKUP)).to_be_hidden()
    picture(narrow, "5-narrow")
    narrow.get_by_role("tab", name="Patient").focus()
    narrow.keyboard.press("ArrowRight")
    expect(phone(narrow, ON_CALL)).to_be_visible()
    expect(narrow.get_by_role("tab", name="On call")).to_be_focused()
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_the_page_loads_nothing_from_elsewhere(address: str, page: Page) -> None:
    assert page.context.browser is not None
    context = page.context.browser.new_context()
    asked: list[str] = []
    other = context.new_page()
    other.on("request", lambda request: asked.append(request.url))
    other.goto(address)
    expect(phone(other, PATIENT.person)).to_be_visible()
    assert asked
    assert all(each.startswith(address) for each in asked)
    context.close()
