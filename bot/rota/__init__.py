"""The rota from calendars: read as other programs export them, imported whole or not at all."""

from bot.rota.importing import RotaReport, import_calendar
from bot.rota.subscription import Subscription, refresh

__all__ = ["RotaReport", "Subscription", "import_calendar", "refresh"]
