"""What a plan may not do: damage budgets, protected resources, steps without a way back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model.errors import PlanRefused, Problem
from reconciler.model.plan import Action, Impact, Reversibility, Step
from reconciler.model.state import Budget


class Damage:
    """Counts, per budget, what is there and what a plan would change or remove of it."""

    def __init__(self) -> None:
        self._there: dict[Budget, int] = {}
        self._hit: dict[Budget, int] = {}

    def there(self, budget: Budget | None, rows: int = 1) -> None:
        if budget is not None:
            self._there[budget] = self._there.get(budget, 0) + rows

    def hit(self, budget: Budget | None) -> None:
        if budget is not None:
            self._hit[budget] = self._hit.get(budget, 0) + 1

    def problems(self) -> Iterable[Problem]:
        for budget, hit in self._hit.items():
            there = self._there.get(budget, 0)
            allowed = budget.count if budget.count is not None else int(there * (budget.percent or 0) / 100)
            if hit > allowed:
                limit = f"{budget.count}" if budget.count is not None else f"{budget.percent:g}% of {there}"
                yield Problem(
                    f"{budget.label}: {hit} of {there} would be changed or removed, $limit allows {limit}",
                    budget.source,
                    "check that the state is complete; if it is meant, raise $limit",
                )


def protection_problems(
    steps: Sequence[Step],
    protected: Mapping[str, str],
    declared: Iterable[str],
    *,
    released: Iterable[str] = (),
) -> list[Problem]:
    """Deletes of what is under `$protect`, in the files or kept in the journal by an earlier plan."""
    by_file = set(declared)
    free = set(released)
    problems = []
    for step in steps:
        if step.action is not Action.DELETE or step.address in free:
            continue
        if step.address in by_file:
            problems.append(
                Problem(
                    f"{step.address} would be deleted and is under $protect", step.source, "take out $absent"
                )
            )
        elif step.address in protected:
            problems.append(
                Problem(
                    f"{step.address} would be deleted; it is under $protect since plan "
                    f"{protected[step.address]}",
                    step.source,
                    "declare it with $protect: false and apply that first, if it may go",
                )
            )
    return problems


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What an org lets one plan do, from orgs.yaml; None: no limit."""

    api_calls: int | None = None
    changes: int | None = None
    deletes: int | None = None


def limit_problems(steps: Sequence[Step], impact: Impact, limits: PlanLimits) -> list[Problem]:
    deletes = sum(step.action is Action.DELETE for step in steps)
    counted = (
        ("changes", len(steps), limits.changes),
        ("deletes", deletes, limits.deletes),
        ("API calls", impact.calls_to_apply, limits.api_calls),
    )
    return [
        Problem(
            f"the plan takes {count} {what}, the org's limits in orgs.yaml allow {allowed}",
            mend="split it with --target, or raise the limit",
        )
        for what, count, allowed in counted
        if allowed is not None and count > allowed
    ]


def irreversible_problems(steps: Sequence[Step]) -> list[Problem]:
    return [
        Problem(
            f"{step.address} cannot be taken back: {step.remark}",
            step.source,
            "leave out --require-reversible",
        )
        for step in steps
        if step.reversibility is Reversibility.NONE
    ]


def refuse(problems: Sequence[Problem]) -> None:
    """Raise `PlanRefused` with all of ``problems``, if there are any."""
    if problems:
        raise PlanRefused(*problems)
