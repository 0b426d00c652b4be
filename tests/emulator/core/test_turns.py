"""Who is next: turns go to whoever has waited longest."""

import threading
from collections.abc import Callable

import pytest

from reconciler.emulator.turns import Turns


def queue_up(turns: Turns, names: str, seen: list[str]) -> list[threading.Thread]:
    """Threads that wait for their turn in this order and then say their name."""

    def wait(name: str) -> None:
        with turns:
            seen.append(name)

    started = []
    for at, name in enumerate(names):
        thread = threading.Thread(target=wait, args=(name,))
        thread.start()
        until(lambda at=at: len(turns._waiting) == at + 1)  # type: ignore[misc]  # default argument binds the loop variable
        started.append(thread)
    return started


def until(what: Callable[[], bool]) -> None:
    for _ in range(100_000):
        if what():
            return
        threading.Event().wait(0.0001)
    raise AssertionError("it never happened")


def test_who_waited_longest_is_next() -> None:
    turns, seen = Turns(), list[str]()
    with turns:
        threads = queue_up(turns, "abcd", seen)
        assert seen == []
    for each in threads:
        each.join()
    assert seen == list("abcd")
    assert not turns.wanted


def test_who_passes_on_comes_after_all_that_wait() -> None:
    turns, seen = Turns(), list[str]()
    with turns, turns:
        threads = queue_up(turns, "abc", seen)
        assert turns.wanted
        turns.pass_on()
        seen.append("me")
        threads += queue_up(turns, "d", seen)
        seen.append("me still")
    for each in threads:
        each.join()
    assert seen == [*"abc", "me", "me still", "d"]


def test_passing_on_without_a_turn_or_without_anybody_waiting_does_nothing() -> None:
    turns = Turns()
    turns.pass_on()
    with turns:
        turns.pass_on()
    with turns:
        assert not turns.wanted


def test_a_turn_is_given_back_when_the_act_fails() -> None:
    turns, seen = Turns(), list[str]()
    with pytest.raises(RuntimeError), turns:
        threads = queue_up(turns, "a", seen)
        raise RuntimeError
    threads[0].join()
    assert seen == ["a"]


def test_no_two_have_their_turn_at_once() -> None:
    turns, inside, seen = Turns(), 0, set[int]()

    def act() -> None:
        nonlocal inside
        for _ in range(300):
            with turns:
                inside += 1
                seen.add(inside)
                inside -= 1
                turns.pass_on()

    threads = [threading.Thread(target=act) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (seen, inside, turns.wanted) == ({1}, 0, False)
