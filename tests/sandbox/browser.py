"""A real browser, and the demonstration as a newcomer starts it."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY_WITHIN_S = 90
ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+")


def chromium() -> str:
    """Return the path of the browser. Without one a newcomer's run skips these tests; CI's run fails."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    reason = f"no browser: none of {', '.join(NAMES)} is installed; install the package 'chromium'"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def demo(folder: Path) -> Iterator[str]:
    """Run `aftercare demo` in a process of its own and yield the address it prints."""
    command = [sys.executable, "-m", "bot", "demo", "--folder", str(folder), "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ)
    )
    try:
        yield _address(process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _address(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    said = b""
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        if not select.select([process.stdout], [], [], 0.5)[0]:
            continue
        said += os.read(process.stdout.fileno(), 4096)
        if found := ADDRESS.search(said):
            return found.group().decode()
    pytest.fail(f"the demonstration did not start; it said:\n{said.decode(errors='replace')}", pytrace=False)


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page when PICTURES_FOLDER names a folder for them."""
    folder = os.environ.get("PICTURES_FOLDER")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")
