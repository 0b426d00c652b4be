"""What a run is handed, and how reads of all kinds share calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reconciler.model.promises import Kind, Lookups, OrgClient, Routine

from .secret_fields import SecretFields

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """One org for one run: the way to it, the kinds bound to it, the look-ups they share, and which of
    its fields hold secrets."""

    org: OrgClient
    kinds: Mapping[str, Kind]
    lookups: Lookups
    secret_fields: SecretFields = field(default_factory=SecretFields)

    def kind_rank(self, name: str) -> int:
        """Place in the order of kinds, which is the order of writing where nothing else decides."""
        return list(self.kinds).index(name)


@dataclass(slots=True)
class _Running:
    routine: Routine[Any]
    wanted: Sequence[str] = ()
    result: Any = None
    done: bool = False
    answers: Sequence[Any] | None = field(default=None)

    def advance(self) -> None:
        try:
            self.wanted = self.routine.send(self.answers)  # type: ignore[arg-type]  # first send is None
        except StopIteration as stop:
            self.result, self.done, self.wanted = stop.value, True, ()


def pump(org: OrgClient, routines: Sequence[Routine[T]]) -> list[T]:
    """Run reads in lockstep: the queries that all of them ask for next go to the org together."""
    running = [_Running(routine) for routine in routines]
    for each in running:
        each.advance()
    while not all(each.done for each in running):
        queries = [query for each in running for query in each.wanted]
        answers = iter(org.query(queries) if queries else [])
        for each in running:
            if not each.done:
                each.answers = [next(answers) for _ in each.wanted]
                each.advance()
    return [each.result for each in running]
