"""The rota from calendars: read as other programs export them, imported whole or not at all."""

from bot.rota.importing import RotaRefused, RotaReport, import_calendar

__all__ = ["RotaRefused", "RotaReport", "import_calendar"]
