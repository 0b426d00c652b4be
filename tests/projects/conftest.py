"""Orgs with the schema of real projects and none of their rows, and states of the projects' own content."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.org import EmulatedOrg
from reconciler.model.state import DesiredState
from reconciler.resources.states import load_desired

from .sources import (
    SourcePermissionSet,
    SourceRecord,
    class_names,
    read_permission_sets,
    read_trees,
)
from .state_files import SEED_KEY, Keys, RecordFiles, permission_sets_text, write_state

METADATA = "http://soap.sforce.com/2006/04/metadata"
KEYS: dict[str, Keys] = {
    "ebikes": {"Account": ("Name",), "Product_Family__c": ("Name",), "Product__c": ("Name",)},
    "dreamhouse": {
        "Broker__c": ("Name",),
        "Property__c": ("Address__c", "City__c"),
        "Contact": ("FirstName", "LastName"),
    },
    "pmm": {
        "Account": (SEED_KEY,),
        "Contact": ("FirstName", "LastName"),
        "Program__c": ("Name",),
        "ProgramCohort__c": ("Name", "Program__c"),
        "ProgramEngagement__c": ("Contact__c", "Program__c"),
        "Service__c": ("Name",),
        "ServiceSchedule__c": ("Name",),
        "ServiceSession__c": ("ServiceSchedule__c", "SessionStart__c"),
        "ServiceParticipant__c": ("Contact__c", "ServiceSchedule__c"),
        "ServiceDelivery__c": (SEED_KEY,),
    },
    "npsp": {},
}
"""Project -> what finds its rows. pmm's accounts and deliveries hold true duplicates and get a key."""
RECORD_TYPES = {"pmm": ("HH_Account", "Organization", "Branch")}
"""Record types of Account that a project's records name and that come from another package."""
NO_RECORDS = frozenset(["npsp"])


@dataclass
class Project:
    """One real project: an org with its schema alone, its content, and what finds its rows."""

    name: str
    org: EmulatedOrg
    keys: Keys
    records: Sequence[SourceRecord]
    permission_sets: Sequence[SourcePermissionSet]

    def state(
        self,
        folder: Path,
        records: Sequence[SourceRecord] | None = None,
        permission_sets: Sequence[SourcePermissionSet] | None = None,
        keys: Keys | None = None,
    ) -> Path:
        """A state of all of the content, or of the parts given."""
        records = self.records if records is None else records
        sets = self.permission_sets if permission_sets is None else permission_sets
        sections = [permission_sets_text(self.org, sets)] if sets else []
        if records:
            sections.append(RecordFiles(self.org, self.records, keys or self.keys).text(records))
        return write_state(folder, *sections)


def load(state: Path) -> DesiredState:
    desired, _ = load_desired([state], org=None, assigned={}, var_files=(), environ={})
    return desired


def _seed(project: str, source: Path, folder: Path) -> None:
    """What the team deploys with the project: record types of other packages, classes, a key field."""
    classes = folder / "classes"
    classes.mkdir(parents=True)
    for name in class_names(source):
        _write(classes / f"{name}.cls-meta.xml", "ApexClass", "<apiVersion>64.0</apiVersion>")
    for name in RECORD_TYPES.get(project, ()):
        path = folder / "objects" / "Account" / "recordTypes" / f"{name}.recordType-meta.xml"
        body = f"<fullName>{name}</fullName><active>true</active><label>{name}</label>"
        _write(path, "RecordType", body)
    for sobject in (name for name, key in KEYS[project].items() if SEED_KEY in key):
        path = folder / "objects" / sobject / "fields" / f"{SEED_KEY}.field-meta.xml"
        body = (
            f"<fullName>{SEED_KEY}</fullName><label>Seed Key</label><type>Text</type><length>80</length>"
            "<externalId>true</externalId><unique>true</unique><caseSensitive>false</caseSensitive>"
        )
        _write(path, "CustomField", body)


def _write(path: Path, kind: str, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<{kind} xmlns="{METADATA}">{body}</{kind}>', encoding="utf-8")


def _make(name: str, source: Path, folder: Path) -> Project:
    schema = folder / "schema"
    shutil.copytree(source, schema, ignore=shutil.ignore_patterns("permissionsets", "datasets", "data"))
    _seed(name, source, folder / "seed")
    org = EmulatedOrg(clock=Clock.fixed())
    org.load(schema, folder / "seed")
    records = [] if name in NO_RECORDS else read_trees(source)
    return Project(name, org, KEYS[name], records, _deployable(org, read_permission_sets(source)))


def _deployable(org: EmulatedOrg, sets: Sequence[SourcePermissionSet]) -> list[SourcePermissionSet]:
    """The sets an org without other packages and licences can take; of one name the last."""
    licenses = {row["Name"] for row in org.rows("UserLicense")}
    by_name = {each.name: each for each in sets if "__" not in each.name}
    return [each for each in by_name.values() if each.license is None or each.license in licenses]


@pytest.fixture(scope="session")
def projects(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """A project by name; its org is made once and forked by those who write to it."""
    made: dict[str, Project] = {}

    def get(name: str) -> Project:
        if name not in made:
            made[name] = _make(name, shared / "orgs" / name, tmp_path_factory.mktemp(name))
        return made[name]

    return get
