"""What the page of the demonstration asks for beyond the sandbox: the scene, the log, a killed bot."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.flows.clinic import Clinic
from bot.flows.exports import NothingToExport, Wanted, export
from bot.sandbox import cast
from bot.sandbox.child import Child
from bot.sandbox.scene import Scene
from bot.sandbox.switchboard import Switchboard
from storage.tables import AlertState

JUST_AFTER = timedelta(seconds=2)


class DemoRoutes:
    """The demonstration's own routes; `clinic` and `child`, the running bot, come when they are there."""

    def __init__(self, board: Switchboard, exports: Path) -> None:
        self.board = board
        self.clinic: Clinic | None = None
        self.child: Child | None = None
        self._exports = exports
        self._downloaded = False

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/demo/scene", self.scene)
        app.router.add_get("/demo/log.csv", self.log)
        app.router.add_post("/demo/kill", self.kill)
        app.router.add_post("/demo/next-check-in", self.to_next_check_in)

    def _open_clinic(self) -> Clinic:
        if self.clinic is None:
            raise web.HTTPServiceUnavailable(text="the demonstration is starting; try again in a moment")
        return self.clinic

    async def scene(self, request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(self._look, self._open_clinic()))

    def _look(self, clinic: Clinic) -> dict[str, Any]:
        now = self.board.clock.moment()
        with clinic.db.reading() as tx:
            look = Scene(clinic, tx, now)
            alerts = look.alerts()
            answered = look.answers() > 0
            scene = {
                "now": now.isoformat(),
                "zone": clinic.content.sites[cast.SITE].zone,
                "cast": self._cast(look),
                "next_check_in": look.next_check_in(),
                "alerts": alerts,
                "audit": look.audit(),
            }
        return scene | {"bot": self._bot(), "guide": self._guide(alerts, answered)}

    def _cast(self, look: Scene) -> list[dict[str, Any]]:
        code = look.first_code()
        patient = {"person": cast.PATIENT.person, "bot": "care", "title": cast.PATIENT.title,
                   "name": cast.PATIENT.name, "code": code, "staff": False}  # fmt: skip
        staff = [{"person": each.person, "bot": "care", "title": each.title, "name": each.name, "staff": True}
                 for each in cast.STAFF]  # fmt: skip
        return [patient, *staff]

    def _bot(self) -> dict[str, Any]:
        child = self.child
        return {"running": bool(child and child.running), "starts": child.starts if child else 0}

    def _guide(self, alerts: list[dict[str, Any]], answered: bool) -> list[dict[str, Any]]:
        paged = {
            step["words"].partition(" (")[0]
            for each in alerts
            for step in each["steps"]
            if "paged" in step["words"]
        }
        backup = any("backup" in step["words"] for each in alerts for step in each["steps"])
        claimed = any(each["state"] != AlertState.OPEN for each in alerts)
        return [
            {"words": "Answer the check-in on the patient's phone.", "done": answered},
            {"words": "Then write something frightening, for example:", "done": bool(alerts),
             "say": cast.FRIGHTENING, "person": cast.PATIENT.person},
            {"words": "The page arrives on the clinician's phone. Leave it unanswered.", "done": bool(paged)},
            {"words": "Move the clock by 5 minutes: the backup is paged.", "done": backup},
            {"words": "Press “I have this” on a phone: the others are told who has it.", "done": claimed},
            {"words": "Download the log as CSV.", "done": self._downloaded},
        ]  # fmt: skip

    async def kill(self, request: web.Request) -> web.Response:
        if self.child is not None:
            self.child.kill()
        return web.json_response({"ok": True})

    async def to_next_check_in(self, request: web.Request) -> web.Response:
        """Move the clock to just after the next check-in is due."""
        now = self.board.clock.moment()
        clinic = self._open_clinic()
        with clinic.db.reading() as tx:
            due = Scene(clinic, tx, now).next_check_in_at()
        if due is not None:
            self.board.clock.set_to(due + JUST_AFTER)
            self.board.touch()
        return web.json_response({"now": self.board.clock.moment().isoformat()})

    async def log(self, request: web.Request) -> web.StreamResponse:
        try:
            path = await asyncio.to_thread(self._export, self._open_clinic())
        except NothingToExport as error:
            return web.Response(text=str(error), status=404)
        self._downloaded = True
        return web.FileResponse(path, headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="aftercare-log.csv"',
        })  # fmt: skip

    def _export(self, clinic: Clinic) -> Path:
        """Write the export as `aftercare export` does, and return the file with one row an answer."""
        shutil.rmtree(self._exports, ignore_errors=True)
        export(clinic, self._exports, Wanted(formats=("csv",)), self.board.clock.moment(), actor="cli")
        return max(self._exports.glob("*.csv"), key=lambda each: each.stat().st_size)
