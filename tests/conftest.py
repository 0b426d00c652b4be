"""A stage for the whole product in one process: an emulated org, a journal, states as text."""

import os
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings

from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.adapter import EmulatorAdapter
from reconciler.emulator.http.faults import Faults
from reconciler.emulator.org import EmulatedOrg
from reconciler.engine.apply import Orders, Result, apply_plan
from reconciler.engine.life import Lives
from reconciler.engine.plan import PlanHeader, PlanOptions, make_plan
from reconciler.engine.revert import OnConflict, make_revert
from reconciler.engine.secret_fields import SecretFields
from reconciler.engine.world import World
from reconciler.journal.database import Database
from reconciler.journal.location import locate
from reconciler.journal.opening import open_journal
from reconciler.journal.store import SqlJournal
from reconciler.model.journal import PlanStatus
from reconciler.model.plan import Plan, Step
from reconciler.model.state import DesiredState
from reconciler.org import Patience, SalesforceOrg, connect_emulated
from reconciler.resources.registry import make_kinds
from reconciler.resources.states import load_desired
from reconciler.spec.variables import OrgContext

DEMO_SCHEMA = Path(__file__).resolve().parents[1] / "reconciler" / "cli" / "demo_schema"
CREATED, EXPIRES, NOW = "2031-05-04T10:00:00Z", "2031-05-05T10:00:00Z", "2031-05-04T11:00:00Z"


settings.register_profile("ci", derandomize=True)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a hundred processes start here and compile the same
if os.environ.get("CI"):
    settings.load_profile("ci")  # the same examples on every run; at a desk they are drawn anew


LONG = (
    "contract/",
    "projects/",
    "cli/test_cli_processes.py",
    "cli/test_cli_sign_in.py",
    "emulator/core/test_any_input.py",
    "emulator/soql/test_soql_laws.py",
    "engine/test_laws.py",
    "engine/test_story.py",
)
"""Whole runs of other processes and properties over many examples: measuring coverage would double their
time, and what they reach is reached by others too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).as_posix().startswith(LONG):
            item.add_marker("long")


class Quiet:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def run_started(self, plan: Plan, verb: str, todo: int) -> None:
        self.events.append(("run_started", verb, todo))

    def looking(self, rows: int) -> None: ...

    def call_started(self, steps: Sequence[Step]) -> None:
        self.events.append(("call", steps[0].action.value, steps[0].sobject, len(steps)))

    def step_finished(self, number: int, step: Step, outcome: Any) -> None:
        self.events.append(("step", step.address, outcome))

    def step_skipped(self, number: int, step: Step, because: Step) -> None:
        self.events.append(("skipped", step.address, because.address))

    def settling(self, steps: Sequence[Step], why: str) -> None:
        self.events.append(("settling", len(steps)))

    def run_finished(self, result: Result) -> None:
        self.events.append(("finished", result.status.value))


@dataclass
class Stage:
    """One emulated org and one journal, with the verbs of the product."""

    folder: Path
    org: EmulatedOrg = field(default_factory=lambda: EmulatedOrg(clock=Clock.fixed()))
    faults: Faults = field(default_factory=Faults)
    context: OrgContext = field(default_factory=lambda: OrgContext(name="stage"))
    points: Callable[[str], None] = lambda name: None
    plans: int = 0
    report: Quiet = field(default_factory=Quiet)
    secrets: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 1_000_000.0

    def __post_init__(self) -> None:
        file = locate(self.folder, environ={}).file
        assert file is not None
        if not file.exists():
            file.parent.mkdir(mode=0o700, exist_ok=True)
            file.write_bytes(_empty_journal())
        self.journal = self.open_journal()

    def open_journal(self) -> SqlJournal:
        return open_journal(
            self.folder, environ={}, clock=lambda: self.seconds, points=lambda name: self.points(name)
        )

    def client(self) -> SalesforceOrg:
        token = sessions.open_session(self.org, self.org.admin_id)
        return connect_emulated(
            EmulatorAdapter(self.org, self.faults),
            token,
            name="stage",
            cache_dir=self.folder / "cache",
            patience=Patience(sleep=lambda seconds: None),
        )

    def world(self) -> World:
        client = self.client()
        kinds, lookups = make_kinds(client, self.secrets)
        remembered = SecretFields(lambda: self.journal.secret_fields(client.org_id))
        return World(client, kinds, lookups, remembered)

    def header(self) -> PlanHeader:
        self.plans += 1
        return PlanHeader(f"plan-{self.plans}", CREATED, EXPIRES)

    def load(self, text: str, *, assigned: Mapping[str, str] | None = None) -> DesiredState:
        path = self.folder / "state.yaml"
        path.write_text(_state(text), encoding="utf-8")
        desired, self.secrets = load_desired(
            [path], org=self.context, assigned=assigned or {}, var_files=(), environ={}
        )
        return desired

    def plan(
        self,
        text: str | DesiredState,
        *,
        world: World | None = None,
        targets: Sequence[str] = (),
        excludes: Sequence[str] = (),
        require_reversible: bool = False,
        assigned: Mapping[str, str] | None = None,
    ) -> Plan:
        desired = self.load(text, assigned=assigned) if isinstance(text, str) else text
        made = world or self.world()
        plan = make_plan(
            desired,
            made,
            self.header(),
            protected=lambda: self.journal.protected(made.org.org_id),
            options=PlanOptions(targets, excludes, require_reversible),
        )
        self.journal.save_plan(plan)
        return plan

    def orders(self, verb: str, **more: Any) -> Orders:
        return Orders(verb=verb, now=lambda: NOW, **more)

    def apply(
        self, plan: Plan | str, *, verb: str = "apply", world: World | None = None, **more: Any
    ) -> Result:
        made = self.plan(plan) if isinstance(plan, str) else plan
        return apply_plan(made, world or self.world(), self.journal, self.report, self.orders(verb, **more))

    def resume(self, plan: Plan) -> Result:
        return self.apply(plan, verb="resume")

    def plan_revert(
        self,
        plan: Plan,
        *,
        on_conflict: str = "fail",
        targets: Sequence[str] = (),
        world: World | None = None,
    ) -> Plan:
        made = world or self.world()
        lives = Lives.of(len(plan.steps), self.journal.entries(plan.plan_id))
        back = make_revert(
            plan,
            lives,
            made,
            self.header(),
            on_conflict=OnConflict(on_conflict),
            targets=targets,
            protected=self.journal.protected(made.org.org_id),
        )
        self.journal.save_plan(back)
        return back

    def revert(self, plan: Plan, *, on_conflict: str = "fail", targets: Sequence[str] = ()) -> Result:
        back = self.plan_revert(plan, on_conflict=on_conflict, targets=targets)
        return self.apply(back, verb="revert")

    def status(self, plan: Plan) -> PlanStatus:
        return self.journal.record(plan.plan_id).status

    def addresses(self, plan: Plan) -> list[str]:
        return [f"{step.action.value} {step.address}" for step in plan.steps]


@cache
def _empty_journal() -> bytes:
    """The file of a journal in which nothing was written yet; made once, because migrating takes 20 ms."""
    with TemporaryDirectory() as folder:
        location = locate(Path(folder), environ={})
        database = Database(location)
        with database.writing():
            pass
        database.dispose()
        assert location.file is not None
        return location.file.read_bytes()


def _state(text: str) -> str:
    text = textwrap.dedent(text).lstrip("\n")
    return text if text.startswith("reconcile:") else "reconcile: 1\n" + text


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.journal.close()


@pytest.fixture(scope="session")
def demo_org() -> EmulatedOrg:
    """An org with the demo's schema and two users; tests fork it."""
    org = EmulatedOrg(clock=Clock.fixed())
    org.load(DEMO_SCHEMA)
    profile = org.rows("Profile", Name="Standard User")[0]["Id"]
    for name in ("ada", "bob"):
        org.has(
            "User",
            Username=f"{name}@acme.example",
            LastName=name.title(),
            Email=f"{name}@acme.example",
            Alias=name,
            ProfileId=profile,
            TimeZoneSidKey="GMT",
            LocaleSidKey="en_US",
            LanguageLocaleKey="en_US",
            EmailEncodingKey="UTF-8",
        )
    assert list(org.tables.all())  # compiled here once, and shared by the forks
    return org


MakeStage = Callable[[], Stage]


@pytest.fixture
def new_stage(demo_org: EmulatedOrg, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStage]:
    """Makes stages on forks of the demo org, as many as a property asks for."""
    made: list[Stage] = []

    def make() -> Stage:
        stage = Stage(tmp_path_factory.mktemp("stage"), org=demo_org.fork())
        made.append(stage)
        return stage

    yield make
    for stage in made:
        stage.journal.close()


@pytest.fixture
def demo(new_stage: MakeStage) -> Stage:
    return new_stage()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real projects' material beside the repository; users do not have it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the folder 'shared' with real projects' material is not beside the repository")
    return folder


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
