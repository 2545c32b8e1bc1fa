"""Writers of one process take turns: a page never waits behind a morning's check-ins."""

from __future__ import annotations

import threading

from storage.turns import LONGEST_YIELD, Turns, be_urgent


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


class Standing:
    """A clock that goes on only when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_lock_is_kept_free_for_the_next_step_of_something_urgent() -> None:
    """A page is leased right after its reply is committed; a card that waits must not slip in between."""
    clock, order = Standing(), list[str]()
    turns = Turns(patience=10, linger=5, clock=clock)

    def write(name: str, urgent: bool) -> threading.Thread:
        def work() -> None:
            if urgent:
                be_urgent()
            with turns.taken():
                order.append(name)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    write("reply", urgent=True).join()
    card = write("card", urgent=False)
    while card.is_alive() and turns.waiting < 1:
        threading.Event().wait(0.001)
    write("page", urgent=True).join()
    assert order == ["reply", "page"], "the card waits for what comes next"
    clock.now = LONGEST_YIELD
    card.join(10)
    assert order == ["reply", "page", "card"], "for a moment, not for ever"


def test_a_reader_gives_way_as_well() -> None:
    clock = Standing()
    turns, read = Turns(patience=10, linger=5, clock=clock), threading.Event()

    def urgent() -> None:
        be_urgent()
        with turns.taken():
            pass

    def reader() -> None:
        turns.give_way()
        read.set()

    writing = threading.Thread(target=urgent)
    writing.start()
    writing.join()
    reading = threading.Thread(target=reader)
    reading.start()
    assert not read.wait(0.05)
    clock.now = LONGEST_YIELD
    assert read.wait(10)
    reading.join()


class Beside:
    """A card that is written while something urgent is at work, side by side."""

    def __init__(self, clock: Standing) -> None:
        self.order: list[str] = []
        self._turns = Turns(patience=10, linger=5, clock=clock, side_by_side=True)
        self._begun, self._end = threading.Semaphore(0), threading.Event()
        self._urgent = [threading.Thread(target=self._reply) for _ in range(2)]
        self._card = threading.Thread(target=self._write)

    def _reply(self) -> None:
        be_urgent()
        with self._turns.taken():
            self._begun.release()
            assert self._end.wait(10)
        self.order.append("reply")

    def _write(self) -> None:
        with self._turns.taken():
            self.order.append("card")

    def begin(self) -> None:
        """Both replies are at work at once, and the card waits."""
        for each in self._urgent:
            each.start()
            assert self._begun.acquire(timeout=10)
        self._card.start()
        while self._card.is_alive() and self._turns.waiting < 1:
            threading.Event().wait(0.001)

    def end_replies(self) -> None:
        self._end.set()
        for each in self._urgent:
            each.join(10)

    def end_card(self) -> None:
        self._card.join(10)


def test_side_by_side_nothing_begins_while_something_urgent_is_at_work_or_just_was() -> None:
    clock = Standing()
    beside = Beside(clock)
    beside.begin()
    beside.end_replies()
    assert beside.order == ["reply", "reply"], "what follows a reply comes first as well"
    clock.now = LONGEST_YIELD
    beside.end_card()
    assert beside.order == ["reply", "reply", "card"]


def test_side_by_side_urgent_work_without_end_holds_nothing_up_for_ever() -> None:
    clock = Standing()
    beside = Beside(clock)
    beside.begin()
    clock.now = LONGEST_YIELD
    beside.end_card()
    assert beside.order == ["card"]
    beside.end_replies()
