"""A release manager, a dying process and somebody with admin rights share an org for a while.

A failure reads as a story: "planned · applied and died at write 3 · somebody edited A-1 · resumed".
Whatever happens, nothing is created twice, an edit made after a plan was made survives that plan
and its revert, and what a finished plan says holds.
"""

from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from reconciler.model.errors import ReconcileError

CODES = ("A", "B", "C")
NAMES = st.sampled_from(["one", "two", "three"])
WANTED = st.dictionaries(st.sampled_from(CODES), NAMES, min_size=1)


class Killed(BaseException):
    """The process dies here."""


class Story(RuleBasedStateMachine):
    plans = Bundle("plans")
    base: Any = None
    make_stage: Any = None

    @initialize()
    def open(self) -> None:
        self.stage = self.make_stage(Path(mkdtemp()), org=self.base.fork())
        self.wanted: dict[str, dict[str, str]] = {}
        self.made_at: dict[str, int] = {}
        self.edited: dict[str, tuple[int, str]] = {}
        self.step = 0

    def teardown(self) -> None:
        self.stage.journal.close()

    @rule(target=plans, wanted=WANTED)
    def plan(self, wanted: dict[str, str]) -> Any:
        rows = "\n".join(f"      {code}: {{Name: {name}}}" for code, name in wanted.items())
        self.step += 1
        made = self.stage.plan(f"records:\n  Account:\n    $key: Account_Code__c\n    rows:\n{rows}\n")
        self.wanted[made.plan_id] = wanted
        self.made_at[made.plan_id] = self.step
        return made

    @rule(plan=plans)
    def apply(self, plan: Any) -> None:
        self._run(plan, "apply")

    @rule(plan=plans)
    def resume(self, plan: Any) -> None:
        self._run(plan, "resume")

    @rule(plan=plans, at=st.integers(0, 12))
    def apply_and_die(self, plan: Any, at: int) -> None:
        self._die(plan, "apply", at)

    @rule(plan=plans, at=st.integers(0, 12))
    def resume_and_die(self, plan: Any, at: int) -> None:
        self._die(plan, "resume", at)

    @rule(target=plans, plan=plans)
    def revert(self, plan: Any) -> Any:
        self.step += 1
        try:
            back = self.stage.plan_revert(plan)
        except ReconcileError:
            return multiple()
        self.made_at[back.plan_id] = self.step
        self._run(back, "revert")
        return back

    @rule(code=st.sampled_from(CODES), name=st.sampled_from(["edited", "moved"]))
    def somebody_edits(self, code: str, name: str) -> None:
        self.step += 1
        for row in self.stage.org.rows("Account", Account_Code__c=code):
            with self.stage.org.transaction(self.stage.org.admin_id) as transaction:
                transaction.update("Account", row["Id"], {"Name": name})
            self.edited[code] = (self.step, name)

    @rule(code=st.sampled_from(CODES))
    def somebody_deletes(self, code: str) -> None:
        self.step += 1
        for row in self.stage.org.rows("Account", Account_Code__c=code):
            with self.stage.org.transaction(self.stage.org.admin_id) as transaction:
                transaction.delete("Account", row["Id"])
            self.edited.pop(code, None)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        if hasattr(self, "stage"):
            codes = [row["Account_Code__c"] for row in self.stage.org.rows("Account")]
            assert len(codes) == len(set(codes))

    def _run(self, plan: Any, verb: str) -> None:
        with suppress(ReconcileError):
            result = self.stage.apply(plan, verb=verb)
            if result.status.value == "applied" and plan.plan_id in self.wanted:
                assert not result.unmet
        self._edits_survive(plan)

    def _edits_survive(self, plan: Any) -> None:
        """What somebody wrote after the plan was made is still there."""
        for code, (when, name) in self.edited.items():
            if when > self.made_at[plan.plan_id]:
                rows = self.stage.org.rows("Account", Account_Code__c=code)
                assert [row["Name"] for row in rows] == [name], code
            else:
                continue
        names = {row["Account_Code__c"]: row["Name"] for row in self.stage.org.rows("Account")}
        self.edited = {code: edit for code, edit in self.edited.items() if names.get(code) == edit[1]}

    def _die(self, plan: Any, verb: str, at: int) -> None:
        left = at

        def points(name: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed(name)

        self.stage.points = points
        with suppress(Killed, ReconcileError):
            self.stage.apply(plan, verb=verb)
        self.stage.points = lambda name: None
        self.stage.seconds += 100_000.0
        self.stage.journal.close()
        self.stage.journal = self.stage.open_journal()
        self._edits_survive(plan)


def test_whatever_happens_nothing_is_doubled_and_nobody_is_overwritten(demo: Any, demo_org: Any) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Story.base, Story.make_stage = demo_org, type(demo)
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=30,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
