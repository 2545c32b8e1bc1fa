"""The real bot as a child process: started, watched, started again when it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

START_AGAIN_S = 0.5
LONGEST_PAUSE_S = 10.0
HEALTHY_AFTER_S = 20.0
STOP_WITHIN_S = 15.0
ROOT = Path(__file__).parent.parent.parent


def _surroundings() -> dict[str, str]:
    """Return this process's environment without settings of ours: the demonstration has its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AFTERCARE_")}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(paths)}


class Child:
    """Keeps `python -m bot run` alive in a thread of its own. What it says goes to `log`."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self.starts = 0
        self._environment = dict(environment)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name="bot", daemon=True)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        self._thread.start()

    def kill(self) -> None:
        """Kill the bot as a power cut would; it is started again at once."""
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGKILL)

    def stop(self) -> None:
        """Let the bot finish, and keep it stopped."""
        self._stopping.set()
        if self._process is not None and self.running:
            self._process.terminate()
        if self._thread.is_alive():
            self._thread.join(STOP_WITHIN_S)
        if self.running and self._process is not None:
            self._process.kill()

    def last_words(self) -> str:
        """Return the last lines the bot said, for a person who must know why it does not start."""
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])

    def _keep_alive(self) -> None:
        pause = START_AGAIN_S
        while not self._stopping.is_set():
            began = time.monotonic()
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "bot", "run"],
                    env=_surroundings() | self._environment,
                    cwd=self._log.parent,  # no settings file of the visitor's is found there
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for the demo, which then stops the bot in good order
                )
                self.starts += 1
                self._process.wait()
            lived = time.monotonic() - began
            pause = START_AGAIN_S if lived > HEALTHY_AFTER_S else min(pause * 2, LONGEST_PAUSE_S)
            self._stopping.wait(START_AGAIN_S if self._killed() else pause)

    def _killed(self) -> bool:
        return self._process is not None and self._process.returncode == -signal.SIGKILL
