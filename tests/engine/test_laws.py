"""The laws of the design, over random orgs, states, edits and deaths.

A world is drawn as plain data: which accounts, rules, permission sets, assignments, queues and
settings there are. It is written once as a state file and once straight into the org, so that an
org in any earlier shape, edited by anybody, can be met.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from reconciler.emulator.http.faults import FaultKind
from reconciler.model.errors import PlanStale, ReconcileError, RevertConflict

USERS = ("ada@acme.example", "bob@acme.example")
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp", "Zs"), exclude_characters="$"),
    min_size=1,
    max_size=12,
)
CODES = ("A-1", "b 2", "O'Hara", "100%", "x/y", "ü_\\")

accounts = st.dictionaries(
    st.sampled_from(CODES),
    st.fixed_dictionaries(
        {"Name": TEXTS},
        optional={"Tier__c": st.sampled_from(["Bronze", "Silver", "Gold"]), "Phone": TEXTS | st.none()},
    ),
    max_size=4,
)
rules = st.dictionaries(
    st.sampled_from(CODES),
    st.fixed_dictionaries(
        {"Name": TEXTS},
        optional={
            "Margin__c": st.integers(0, 99999).map(lambda cents: cents / 100) | st.none(),
            "Active__c": st.booleans(),
            "Valid_From__c": st.dates()
            .filter(lambda day: 1700 <= day.year <= 4000)
            .map(lambda day: day.isoformat()),
            "Account__r": st.sampled_from(CODES),
            "Follows__r": st.sampled_from(CODES),
        },
    ),
    max_size=4,
)
sets = st.dictionaries(
    st.sampled_from(["Ops", "Sales"]),
    st.fixed_dictionaries(
        {"label": TEXTS, "assigned": st.sets(st.sampled_from(USERS)), "exact": st.booleans()},
        optional={"rights": st.sampled_from([["read"], ["read", "create"], ["read", "edit"]])},
    ),
    max_size=2,
)
queues = st.dictionaries(st.sampled_from(["Tier_1", "Tier_2"]), st.sets(st.sampled_from(USERS)), max_size=2)
worlds = st.fixed_dictionaries(
    {"accounts": accounts, "rules": rules, "sets": sets, "queues": queues, "flag": st.booleans() | st.none()}
)
World = Mapping[str, Any]
steady = settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.target, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def as_state(world: World) -> str:
    """The world as a state file; JSON is YAML, so quoting is not ours to get wrong."""
    made: dict[str, Any] = {"reconcile": 1, "records": {}}
    codes = set(world["accounts"])
    if codes:
        made["records"]["Account"] = {"$key": "Account_Code__c", "rows": world["accounts"]}
    rows = {}
    for code, rule in world["rules"].items():
        row = dict(rule)
        if "Account__r" in row:
            row["Account__r"] = {"Account_Code__c": row["Account__r"]} if row["Account__r"] in codes else None
        if "Follows__r" in row:
            row["Follows__r"] = (
                {"Code__c": row["Follows__r"]} if row["Follows__r"] in world["rules"] else None
            )
        rows[code] = row
    if rows:
        made["records"]["Price_Rule__c"] = {"$key": "Code__c", "rows": rows}
    if world["sets"]:
        made["permission_sets"] = {name: _set(each) for name, each in world["sets"].items()}
    if world["queues"]:
        made["queues"] = {name: {"members": sorted(members)} for name, members in world["queues"].items()}
    if world["flag"] is not None:
        made["custom_settings"] = {"Feature_Flags__c": {"org": {"New_Pricing__c": world["flag"]}}}
    if not made["records"]:
        del made["records"]
    return "reconcile: 1\n" + "\n".join(
        f"{name}: {json.dumps(content, ensure_ascii=False)}"
        for name, content in made.items()
        if name != "reconcile"
    )


def _set(each: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "label": each["label"],
        "assigned_to": {"exactly" if each["exact"] else "includes": sorted(each["assigned"])},
    }
    if "rights" in each:
        body["objects"] = {"Price_Rule__c": each["rights"]}
    return body


def contents(stage: Any) -> Any:
    return stage.org.snapshot()


@steady
@given(before=worlds, after=worlds)
def test_planning_never_writes_and_says_the_same_twice(
    new_stage: Callable[[], Any], before: World, after: World
) -> None:
    stage = new_stage()
    stage.apply(as_state(before))
    was = contents(stage)
    first = stage.plan(as_state(after))
    second = stage.plan(as_state(after))
    assert first.digest == second.digest
    assert contents(stage) == was


SELF = {
    "accounts": {},
    "rules": {"A-1": {"Name": "0", "Follows__r": "A-1"}},
    "sets": {},
    "queues": {},
    "flag": None,
}
RING = {
    **SELF,
    "rules": {"A-1": {"Name": "0", "Follows__r": "b 2"}, "b 2": {"Name": "1", "Follows__r": "A-1"}},
}
NOTHING = {**SELF, "rules": {}}


@steady
@example(before=NOTHING, after=SELF)  # made first and linked after, so unlinked before it is deleted
@example(before=NOTHING, after=RING)
@given(before=worlds, after=worlds)
def test_an_applied_plan_leaves_nothing_to_do_and_its_revert_leaves_what_was(
    new_stage: Callable[[], Any], before: World, after: World
) -> None:
    stage = new_stage()
    stage.apply(as_state(before))
    was = contents(stage)
    plan = stage.plan(as_state(after))
    result = stage.apply(plan)
    assert result.status.value == "applied", stage.report.events
    assert not result.unmet
    assert stage.plan(as_state(after)).steps == []
    now = contents(stage)
    back = stage.plan_revert(plan)
    assert stage.apply(back, verb="revert").status.value == "applied"
    assert contents(stage) == was
    assert stage.revert(back).status.value == "applied"
    assert contents(stage) == now


@steady
@given(before=worlds, after=worlds)
def test_the_plan_shows_every_row_that_the_apply_touches(
    new_stage: Callable[[], Any], before: World, after: World
) -> None:
    stage = new_stage()
    stage.apply(as_state(before))
    was = contents(stage)
    plan = stage.plan(as_state(after))
    stage.apply(plan)
    now = contents(stage)
    touched: dict[str, set[str]] = {}
    for step in plan.steps:
        touched.setdefault(step.sobject, set()).add(step.address)
    for sobject in set(was) | set(now):
        if sobject not in touched:
            assert now.get(sobject) == was.get(sobject), sobject
        else:
            changed = _changed(was.get(sobject, []), now.get(sobject, []))
            assert changed <= 2 * len(touched[sobject]), (sobject, changed)


def _changed(before: list[Any], after: list[Any]) -> int:
    left = [json.dumps(row, sort_keys=True, default=str) for row in before]
    right = [json.dumps(row, sort_keys=True, default=str) for row in after]
    return len([row for row in left if row not in right]) + len([row for row in right if row not in left])


class Killed(BaseException):
    """The process dies here."""


class Death:
    """Dies at the ``at``-th journal point, and stays dead: nothing of that run is written afterwards."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.dead = False

    def __call__(self, name: str) -> None:
        self.left -= 1
        if self.left < 0:
            self.dead = True
            raise Killed(name)


def die_at(stage: Any, plan: Any, at: int) -> bool:
    """Run the plan with a death at the ``at``-th point; True when it was hit."""
    death = Death(at)
    stage.points = death
    try:
        stage.apply(plan)
    except Killed:
        pass
    finally:
        stage.points = lambda name: None
    stage.seconds += 100_000.0  # the dead run's lease expires
    stage.journal.close()
    stage.journal = stage.open_journal()
    return death.dead


@settings(steady, max_examples=40)
@given(before=worlds, after=worlds, at=st.integers(0, 30), way=st.sampled_from(["resume", "revert"]))
def test_a_run_killed_at_any_journal_write_can_be_resumed_or_reverted(
    new_stage: Callable[[], Any], before: World, after: World, at: int, way: str
) -> None:
    stage = new_stage()
    stage.apply(as_state(before))
    was = contents(stage)
    plan = stage.plan(as_state(after))
    hit = die_at(stage, plan, at)
    status = stage.status(plan).value
    if way == "revert":
        stage.revert(plan)
        assert contents(stage) == was
        return
    if hit and status == "planned":
        stage.apply(plan)
    elif hit and status in ("applying", "partly"):
        stage.resume(plan)
    assert stage.plan(as_state(after)).steps == []
    assert_no_twins(stage)


def assert_no_twins(stage: Any) -> None:
    for sobject, key in (
        ("Account", "Account_Code__c"),
        ("Price_Rule__c", "Code__c"),
        ("PermissionSet", "Name"),
    ):
        keys = [row[key] for row in stage.org.rows(sobject) if row[key]]
        assert len(keys) == len(set(keys)), sobject


LOSSES = st.sampled_from(
    [FaultKind.LOSE_BEFORE, FaultKind.LOSE_AFTER, FaultKind.CUT, FaultKind.THROTTLE, FaultKind.LOCK]
)


@steady
@given(before=worlds, after=worlds, kind=LOSSES, skip=st.integers(0, 6))
def test_a_lost_answer_is_settled_and_nothing_is_done_twice(
    new_stage: Callable[[], Any], before: World, after: World, kind: FaultKind, skip: int
) -> None:
    stage = new_stage()
    stage.apply(as_state(before))
    plan = stage.plan(as_state(after))
    stage.faults.add(kind, method="POST|PATCH|DELETE", path="sobjects", skip=skip)
    result = stage.apply(plan)
    stage.faults.clear()
    if result.status.value == "partly":
        stage.resume(plan)
    assert stage.plan(as_state(after)).steps == []
    assert_no_twins(stage)


def edit(stage: Any, address: str, value: str) -> bool:
    """Somebody renames the row of ``address`` in the org; False where there is no such row."""
    type_, _, key = address.partition("/")
    field = {"Account": "Account_Code__c", "Price_Rule__c": "Code__c"}[type_]
    rows = stage.org.rows(type_, **{field: key.replace("%2F", "/").replace("%25", "%")})
    if not rows:
        return False
    with stage.org.transaction(stage.org.admin_id) as transaction:
        transaction.update(type_, rows[0]["Id"], {"Name": value})
    return True


def edit_one(stage: Any, addresses: Sequence[str], choice: Any) -> bool:
    """Somebody renames the row of one of these addresses, if one is a record's."""
    records = [each for each in addresses if each.startswith(("Account/", "Price_Rule__c/"))]
    return bool(records) and edit(stage, choice.choice(records), "edited by somebody")


@steady
@given(before=worlds, after=worlds, choice=st.randoms(use_true_random=False))
def test_an_edit_between_plan_and_apply_refuses_the_plan_and_nothing_is_written(
    new_stage: Callable[[], Any], before: World, after: World, choice: Any
) -> None:
    stage = new_stage()
    stage.apply(as_state(before))
    plan = stage.plan(as_state(after))
    named = [step.address for step in plan.steps if "Name" in (step.before or {})]
    if not edit_one(stage, named, choice):
        return
    was = contents(stage)
    with pytest.raises(PlanStale):
        stage.apply(plan)
    assert contents(stage) == was


@steady
@given(before=worlds, after=worlds, skip=st.integers(0, 8), choice=st.randoms(use_true_random=False))
def test_an_edit_before_any_read_of_a_run_is_never_overwritten(
    new_stage: Callable[[], Any], before: World, after: World, skip: int, choice: Any
) -> None:
    stage = new_stage()
    stage.apply(as_state(before))
    plan = stage.plan(as_state(after))
    touched = [step.address for step in plan.steps if step.sobject in ("Account", "Price_Rule__c")]
    if not touched:
        return
    address = choice.choice(touched)
    edited = []

    def act(*anything: Any) -> None:
        if edit(stage, address, "edited by somebody"):
            edited.append(address)

    stage.faults.add(FaultKind.HOOK, method="GET|POST", path="query|composite$", skip=skip, before=act)
    with suppress(ReconcileError):
        stage.apply(plan)
    stage.faults.clear()
    if edited:
        type_, _, key = address.partition("/")
        field = {"Account": "Account_Code__c", "Price_Rule__c": "Code__c"}[type_]
        rows = stage.org.rows(type_, **{field: key.replace("%2F", "/").replace("%25", "%")})
        assert [row["Name"] for row in rows] == ["edited by somebody"]


@steady
@given(before=worlds, after=worlds, choice=st.randoms(use_true_random=False))
def test_a_revert_refuses_what_somebody_moved_and_leaves_it_when_told_to(
    new_stage: Callable[[], Any], before: World, after: World, choice: Any
) -> None:
    stage = new_stage()
    stage.apply(as_state(before))
    plan = stage.plan(as_state(after))
    stage.apply(plan)
    named = [step.address for step in plan.steps if "Name" in (step.after or {})]
    if not edit_one(stage, named, choice):
        return
    was = contents(stage)
    with pytest.raises(RevertConflict):
        stage.revert(plan)
    assert contents(stage) == was
    stage.revert(plan, on_conflict="skip")
    names = [row["Name"] for row in (*stage.org.rows("Account"), *stage.org.rows("Price_Rule__c"))]
    assert "edited by somebody" in names


@steady
@given(after=worlds)
def test_a_plan_runs_once(new_stage: Callable[[], Any], after: World) -> None:
    stage = new_stage()
    plan = stage.plan(as_state(after))
    stage.apply(plan)
    was = contents(stage)
    with pytest.raises(PlanStale):
        stage.apply(plan)
    assert contents(stage) == was


@steady
@given(before=accounts, after=accounts)
def test_a_field_that_no_state_mentions_is_never_written(
    new_stage: Callable[[], Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    stage = new_stage()
    empty: World = {"rules": {}, "sets": {}, "queues": {}, "flag": None}
    stage.apply(as_state({**empty, "accounts": before}))
    with stage.org.transaction(stage.org.admin_id) as transaction:
        for row in stage.org.rows("Account"):
            transaction.update("Account", row["Id"], {"Website": "kept.example", "Fax": row["Phone"]})
    kept = {row["Account_Code__c"]: (row["Website"], row["Fax"]) for row in stage.org.rows("Account")}
    stage.apply(as_state({**empty, "accounts": after}))
    now = {row["Account_Code__c"]: (row["Website"], row["Fax"]) for row in stage.org.rows("Account")}
    assert {code: now[code] for code in kept} == kept
