"""A desk for components of the live org: written, read and deleted one by one; one org, forked a test."""

import base64
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.metadata.component_types import ComponentProblem, Written, component_type
from reconciler.emulator.metadata_xml import Tree
from reconciler.emulator.org import EmulatedOrg

LINE: dict[str, Any] = {
    "label": "Line",
    "pluralLabel": "Lines",
    "nameField": {"label": "Line Name", "type": "Text"},
    "deploymentStatus": "Deployed",
    "sharingModel": "ReadWrite",
}
TEXT: dict[str, Any] = {"label": "Code", "type": "Text", "length": 20}


def tree(told: dict[str, Any]) -> Tree:
    """A tree as it would be parsed: every element a list, every value text."""
    return {
        name: [_item(each) for each in (value if isinstance(value, list) else [value])]
        for name, value in told.items()
    }


def _item(value: Any) -> Any:
    if isinstance(value, dict):
        return tree(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def content(source: str) -> str:
    return base64.b64encode(source.encode()).decode()


@dataclass
class Types:
    """One org and its components."""

    org: EmulatedOrg

    def write(self, kind: str, full_name: str, **told: Any) -> Written:
        with self.org.transaction() as tx:
            return component_type(kind).write(tx, full_name, tree(told))

    def put(self, kind: str, full_name: str, whole: Tree) -> Written:
        with self.org.transaction() as tx:
            return component_type(kind).write(tx, full_name, whole)

    def read(self, kind: str, full_name: str) -> Tree:
        found = component_type(kind).read(self.org, full_name)
        assert found is not None, f"no {kind} {full_name}"
        return found

    def absent(self, kind: str, full_name: str) -> bool:
        return component_type(kind).read(self.org, full_name) is None

    def delete(self, kind: str, full_name: str) -> str:
        with self.org.transaction() as tx:
            return component_type(kind).delete(tx, full_name)

    def refused(self, kind: str, full_name: str, **told: Any) -> str:
        """The problem of a component that is refused; nothing of it stays."""
        before = component_type(kind).read(self.org, full_name)
        with pytest.raises(ComponentProblem) as refused:
            self.write(kind, full_name, **told)
        assert component_type(kind).read(self.org, full_name) == before
        return refused.value.problem

    def not_deleted(self, kind: str, full_name: str) -> str:
        """The problem of a delete that is refused; the component stays."""
        before = component_type(kind).read(self.org, full_name)
        with pytest.raises(ComponentProblem) as refused:
            self.delete(kind, full_name)
        assert component_type(kind).read(self.org, full_name) == before
        return refused.value.problem

    def shows(self, *fields: str) -> None:
        """Let the administrator see and edit fields."""
        shown = [{"field": each, "readable": True, "editable": True} for each in fields]
        self.write("Profile", "Admin", fieldPermissions=shown)


@pytest.fixture(scope="session")
def furnished() -> EmulatedOrg:
    org = EmulatedOrg(clock=Clock.fixed(tick_ms=1000))
    types = Types(org)
    types.write("CustomObject", "Line__c", **LINE)
    types.write("CustomField", "Line__c.Code__c", **TEXT)
    return org


@pytest.fixture
def types(furnished: EmulatedOrg) -> Types:
    return Types(furnished.fork())
