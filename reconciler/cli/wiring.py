"""Putting the layers together for one command: project, states, org, journal, kinds."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.model.errors import Interrupted, Problem, SpecError
from reconciler.model.journal import Journal, PlanRecord
from reconciler.model.plan import Plan
from reconciler.model.state import DesiredState

if TYPE_CHECKING:  # imported where used: start-up is for --help too
    from reconciler.engine.apply import Orders
    from reconciler.engine.plan import PlanHeader
    from reconciler.engine.world import World
    from reconciler.model.promises import OrgClient
    from reconciler.spec.orgs import OrgConfig

PLAN_LIFE = timedelta(hours=24)
ORGS_FILE = "orgs.yaml"
FOLDER = ".reconcile"


@dataclass(slots=True)
class Project:
    """The folder that holds orgs.yaml and `.reconcile`: where the command was called, or above."""

    root: Path
    orgs: Mapping[str, "OrgConfig"] = field(default_factory=dict)
    _journal: Journal | None = None

    @classmethod
    def here(cls) -> "Project":
        from reconciler.spec.orgs import load_orgs

        here = Path.cwd()
        root = next(
            (
                each
                for each in (here, *here.parents)
                if (each / ORGS_FILE).is_file() or (each / FOLDER).is_dir()
            ),
            here,
        )
        return cls(root, load_orgs(root / ORGS_FILE))

    @property
    def folder(self) -> Path:
        return self.root / FOLDER

    @property
    def journal(self) -> Journal:
        if self._journal is None:
            from reconciler.journal.opening import open_journal

            self._journal = open_journal(self.root)
        return self._journal

    def org(self, name: str | None) -> "OrgConfig":
        """The org called ``name``; without one, the only org there is."""
        from reconciler.spec.orgs import find_org

        if name is None:
            real = [each for each in self.orgs if each != "demo"]
            name = real[0] if len(real) == 1 else os.environ.get("RECONCILE_ORG", "demo" if not real else "")
        if not name:
            raise SpecError(
                Problem(
                    "several orgs are known and none was named",
                    mend="add --org, one of: " + ", ".join(self.orgs),
                )
            )
        return find_org(self.orgs, name)


def read_states(
    project: Project,
    paths: Sequence[Path],
    org: "OrgConfig | None",
    *,
    assigned: Sequence[str] = (),
    var_files: Sequence[Path] = (),
) -> tuple[DesiredState, Mapping[str, str]]:
    """What the files declare for ``org``, and the values of secret variables. Raises `SpecError`."""
    from reconciler.resources.states import load_desired

    _refuse_plan_files(paths)
    return load_desired(
        paths or default_states(project),
        org=None if org is None else org_context(org),
        assigned=pairs(assigned),
        var_files=var_files,
        environ=os.environ,
    )


def _refuse_plan_files(paths: Sequence[Path]) -> None:
    from reconciler.cli.plan_files import looks_like_plan_file

    plans = [path for path in paths if path.is_file() and looks_like_plan_file(path)]
    if plans:
        mend = "name it alone: 'reconcile apply FILE' runs it, 'reconcile show FILE' shows it"
        raise SpecError(*(Problem(f"{path} is a plan, no state", mend=mend) for path in plans))


def default_states(project: Project) -> Sequence[Path]:
    folder = project.root / "states"
    if folder.is_dir():
        return [Path(os.path.relpath(folder))]  # plans read the same on every machine
    raise SpecError(
        Problem(
            "no states were named, and there is no folder 'states' here", mend="name the files or the folder"
        )
    )


def pairs(assigned: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in assigned:
        name, equals, value = each.partition("=")
        if not equals:
            raise click.BadParameter(f"'{each}' is no variable; write it like --var region=EMEA")
        found[name] = value
    return found


def org_context(org: "OrgConfig") -> Any:
    from reconciler.spec.variables import OrgContext

    return OrgContext(
        name=org.name, tags=frozenset(org.tags), variables=org.variables, secrets=OrgSecrets(org)
    )


class OrgSecrets(Mapping[str, str]):
    """Secret variables that orgs.yaml gives by reference. Each is read when it is asked for."""

    def __init__(self, org: "OrgConfig") -> None:
        self._references = org.secret_variables

    def __getitem__(self, name: str) -> str:
        from .connecting import reveal

        return reveal(self._references[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._references)

    def __len__(self) -> int:
        return len(self._references)


def open_world(
    project: Project,
    org: "OrgConfig",
    secrets: Mapping[str, str],
    *,
    parallelism: int | None = None,
) -> "World":
    """The org and the kinds bound to it."""
    from reconciler.cli.connecting import open_org
    from reconciler.engine.secret_fields import SecretFields
    from reconciler.engine.world import World
    from reconciler.resources.registry import make_kinds

    client: OrgClient = open_org(project.folder, org, parallelism=parallelism)
    kinds, lookups = make_kinds(client, secrets)
    remembered = SecretFields(lambda: project.journal.secret_fields(client.org_id))
    return World(client, kinds, lookups, remembered)


def new_header(org_name: str) -> "PlanHeader":
    from reconciler.engine.plan import PlanHeader
    from reconciler.journal.plan_ids import new_plan_id

    now = datetime.now(UTC)
    return PlanHeader(new_plan_id(now, org_name), iso(now), iso(now + PLAN_LIFE))


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def orders(
    verb: str, *, wait_seconds: float, on_failure: str = "go-on", stop: "StopFlag | None" = None
) -> "Orders":
    from reconciler.engine.apply import Orders

    return Orders(
        verb=verb,
        wait_seconds=wait_seconds,
        on_failure=on_failure,
        stop=stop or (lambda: False),
        now=lambda: iso(datetime.now(UTC)),
        pause=time.sleep,
    )


class StopFlag:
    """Ctrl-C once finishes what is in flight and saves; twice aborts. A TERM counts as once."""

    def __init__(self) -> None:
        self._asked = 0

    def __call__(self) -> bool:
        return self._asked > 0

    def __enter__(self) -> "StopFlag":
        import signal

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)
        return self

    def _ask(self, number: int, frame: object) -> None:
        self._asked += 1
        if self._asked > 1:
            raise Interrupted("aborted: the call in flight is in doubt and will be settled by a resume")
        click.echo("stopping after the call in flight; once more aborts", err=True)

    def __exit__(self, *error: object) -> None:
        import signal

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)


def confirm(question: str) -> bool | None:
    """Only the whole word `yes` agrees; None when the input ended before any answer.

    The question goes to standard error, so that standard output holds results alone.
    """
    click.echo(f"{question} Only 'yes' is accepted: ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        click.echo(err=True)
        return None
    return answer.strip() == "yes"


def plan_of_journal(project: Project, name: str) -> tuple[Plan, PlanRecord]:
    """The plan that ``name`` names by its id, or by a file that was written with --out."""
    from reconciler.cli.plan_files import looks_like_plan_file, read_plan_file

    path = Path(name)
    if path.is_file() and looks_like_plan_file(path):
        return project.journal.load_plan(read_plan_file(path).plan_id)
    return project.journal.load_plan(name)


def plan_or_file(project: Project, name: str) -> tuple[Plan, PlanRecord | None] | None:
    """The plan that ``name`` names: a file written with --out, or an id of the journal; None for neither."""
    from reconciler.cli.plan_files import looks_like_plan_file, read_plan_file

    path = Path(name)
    if path.is_file() and looks_like_plan_file(path):
        return read_plan_file(path), None
    if path.exists() or path.suffix in (".yaml", ".yml") or os.sep in name:
        return None
    return project.journal.load_plan(name)
