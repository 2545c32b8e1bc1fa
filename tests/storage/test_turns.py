"""Writers of one process take turns: a page never waits behind a morning's check-ins."""

from __future__ import annotations

import threading

from storage.turns import Turns, be_urgent


def test_whoever_waits_urgently_is_next() -> None:
    turns, order = Turns(patience=10), list[str]()
    waiting = threading.Barrier(4)

    def write(name: str, urgent: bool) -> None:
        if urgent:
            be_urgent()
        waiting.wait()
        with turns.taken():
            order.append(name)

    threads = [
        threading.Thread(target=write, args=each)
        for each in (("card", False), ("another card", False), ("page", True))
    ]
    with turns.taken():
        for each in threads:
            each.start()
        waiting.wait()
        while turns.waiting < 3:
            threading.Event().wait(0.001)
    for each in threads:
        each.join()
    assert order[0] == "page"
    assert sorted(order) == ["another card", "card", "page"]


def test_a_turn_that_never_comes_is_not_waited_for_for_ever() -> None:
    turns = Turns(patience=0.01)
    with turns.taken(), turns.taken():
        went_on = True
    assert went_on
    with turns.taken():
        assert turns.waiting == 0
