"""How alerts were met, for whoever looks after the machine: medians and counts, and nobody's name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from bot.health import Health, Vitals
from bot.threads import Threads
from tests.flows.alarm import CRISIS, IDEATION, found
from tests.flows.clinic_night import House, Phone


def metrics(house: House) -> str:
    registry = CollectorRegistry()
    with house.clinic() as clinic:
        registry.register(Health(clinic.db, lambda: house.now, Threads("health"), Vitals("version")))
        return generate_latest(registry).decode()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_metrics_say_how_fast_alerts_were_met_and_how_many_were_not(
    house: House, maria: Phone, okafor: Phone
) -> None:
    found(house, maria, CRISIS, written_ago=timedelta(minutes=3))
    house.now += timedelta(minutes=4)
    okafor.taps("I have this")
    house.now += timedelta(minutes=5)
    okafor.taps("Patient contacted")
    found(house, house.enrolled(), IDEATION)
    house.now += timedelta(minutes=31)
    shown = metrics(house)
    for until, minutes in (("page", 3.0), ("seen", 7.0), ("claim", 7.0), ("contact", 12.0)):
        assert f'aftercare_alert_minutes{{level="emergency",until="{until}"}} {minutes}' in shown
    assert 'level="emergency",until="resolve"' not in shown, "not closed yet: no figure, not zero"
    assert 'aftercare_alerts_unacknowledged{level="emergency"} 0.0' in shown
    assert 'aftercare_alerts_unacknowledged{level="urgent"} 1.0' in shown
    assert 'aftercare_alerts_false{level="urgent"} 0.0' in shown
    assert "Okafor" not in shown and maria.code not in shown
    house.now += timedelta(days=7)
    assert "aftercare_alert_minutes{" not in metrics(house), "figures are of the last seven days"
