"""Claims about what a store remembers of its answers."""

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.store import Store

ASKED = 'SELECT "n" FROM "_kept" WHERE "key" = ?'


class _Undone(Exception):
    pass


def set_to(store: Store, number: int) -> None:
    store.execute('INSERT OR REPLACE INTO "_kept" VALUES (1, ?)', (number,))


def set_and_undo(store: Store, number: int) -> None:
    with suppress(_Undone), store.transaction():
        set_to(store, number)
        assert store.recall(ASKED, 1) == [(number,)]
        raise _Undone


def set_in_a_part_that_is_undone(store: Store, number: int) -> None:
    with store.transaction():
        set_to(store, number)
        set_and_undo(store, number + 100)
        assert store.recall(ASKED, 1) == [(number,)]


def take_away(store: Store, number: int) -> None:
    store.execute('DELETE FROM "_kept"')


def set_by_another_process(store: Store, number: int) -> None:
    if store.path is None:
        return set_to(store, number)
    with sqlite3.connect(store.path) as other:
        other.execute('INSERT OR REPLACE INTO "_kept" VALUES (1, ?)', (number,))
    other.close()
    return None


def become_another(store: Store, number: int) -> None:
    other = store.copy()
    set_to(other, number)
    store.become(other.connection, keep=())
    other.close()


STEPS: tuple[Callable[[Store, int], None], ...] = (
    set_to,
    set_and_undo,
    set_in_a_part_that_is_undone,
    take_away,
    set_by_another_process,
    become_another,
)


@pytest.mark.parametrize("where", ["in memory", "in a file"])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 99)), max_size=8))
def test_what_a_store_remembers_is_what_it_would_find(
    where: str, steps: list[tuple[Callable[[Store, int], None], int]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(None if where == "in memory" else Path(folder) / "org.db")
        store.ensure_table('CREATE TABLE IF NOT EXISTS "_kept" ("key" INTEGER PRIMARY KEY, "n" INTEGER)')
        for step, number in steps:
            store.recall(ASKED, 1)
            step(store, number)
            assert store.recall(ASKED, 1) == store.execute(ASKED, (1,)), step
        store.close()


def test_a_question_is_not_put_to_the_database_again_while_nothing_changed() -> None:
    store = Store()
    store.ensure_table('CREATE TABLE IF NOT EXISTS "_kept" ("key" INTEGER PRIMARY KEY, "n" INTEGER)')
    set_to(store, 1)
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    for _ in range(3):
        assert store.recall(ASKED, 1) == [(1,)]
    assert len(asked) == 1
    store.close()
