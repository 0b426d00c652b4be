"""Who is next: a lock that goes to whoever has waited longest.

The calls to an org take turns, a call a turn. Python's own locks go to whoever comes at the right moment,
so that a long act of many short transactions, which gives the lock back only to take it again, would keep
everybody else out until it ends. Such an act says `pass_on` between its transactions: all who wait come
before it goes on.

Whoever wants both takes its turn first and the store's lock then, never the other way round.
"""

from collections import deque
from threading import Lock, get_ident
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from .org import EmulatedOrg


class Turns:
    """Used as a context; the thread whose turn it is may enter again."""

    __slots__ = ("_depth", "_guard", "_holder", "_waiting")

    def __init__(self) -> None:
        self._guard = Lock()
        self._holder = 0
        self._depth = 0
        self._waiting: deque[tuple[int, Lock]] = deque()

    def __enter__(self) -> None:
        me = get_ident()
        if self._holder != me:
            self._wait(me)
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._hand_over()

    @property
    def wanted(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    def pass_on(self) -> None:
        """Let those who wait go first. Nothing is done when it is not the caller's turn.

        He must not hold the store's lock.
        """
        me = get_ident()
        if self._holder == me and self._waiting:
            depth = self._depth
            self._hand_over()
            self._wait(me)
            self._depth = depth

    def _wait(self, me: int) -> None:
        with self._guard:
            if not self._holder:
                self._holder, self._depth = me, 0
                return
            gate = Lock()
            gate.acquire()
            self._waiting.append((me, gate))
        try:
            gate.acquire()  # whoever hands over has noted whose turn it is
        except BaseException:
            self._give_up(me, gate)
            raise

    def _give_up(self, me: int, gate: Lock) -> None:
        """Leave the queue; the turn that came meanwhile goes to the next."""
        with self._guard:
            if (me, gate) in self._waiting:
                self._waiting.remove((me, gate))
                return
        self._hand_over()

    def _hand_over(self) -> None:
        with self._guard:
            if self._waiting:
                self._holder, gate = self._waiting.popleft()
                self._depth = 0
                gate.release()
            else:
                self._holder = 0


_TURNS: "WeakKeyDictionary[EmulatedOrg, Turns]" = WeakKeyDictionary()
_NEW = Lock()


def turns(org: "EmulatedOrg") -> Turns:
    """Those of an org; the same as long as the org object lives."""
    found = _TURNS.get(org)
    if found is None:
        with _NEW:
            found = _TURNS.setdefault(org, Turns())
    return found
