"""Row ids sort in the order things happened."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from storage.ids import new_id

NOW = datetime(2026, 3, 3, 16, tzinfo=UTC)


def test_two_rows_of_one_transaction_keep_their_order_whatever_others_do_meanwhile() -> None:
    with ThreadPoolExecutor(1) as other:
        made = []
        for step in range(200):
            made.append(new_id(NOW))
            other.submit(new_id, NOW + timedelta(milliseconds=step)).result()
    assert made == sorted(made)
    assert len(set(made)) == 200


def test_a_later_row_sorts_later() -> None:
    assert new_id(NOW) < new_id(NOW + timedelta(milliseconds=1))
    assert len(new_id(NOW)) == 26


def test_an_id_sorts_behind_the_one_it_must_follow_though_its_time_is_earlier() -> None:
    earlier = new_id(NOW)
    later = new_id(NOW - timedelta(hours=2), earlier)
    assert later > earlier
    assert len(later) == 26
    assert new_id(NOW + timedelta(hours=1), earlier) > later
