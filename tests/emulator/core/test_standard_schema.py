"""Claims about the standard objects."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import standard
from reconciler.emulator.schema import Field

SCHEMA = standard.load()


def test_loading_twice_gives_schemas_that_do_not_share_changes() -> None:
    mine = standard.load()
    mine.add_field("Account", Field(name="X__c", type="string", label="X"))
    assert standard.load()["Account"].field("X__c") is None


ANY_ROW = ("UserRecordAccess.RecordId",)
"""A row of any object: what is asked about, no path."""


def test_every_reference_that_is_a_path_has_a_target() -> None:
    for sobject in SCHEMA:
        for field in sobject.fields.values():
            if field.type == "reference" and f"{sobject.name}.{field.name}" not in ANY_ROW:
                assert field.reference_to, f"{sobject.name}.{field.name}"


def test_no_path_from_a_parent_means_two_things() -> None:
    for sobject in SCHEMA:
        names = [child.name for child in SCHEMA.children_of(sobject.name) if child.name]
        pairs = {(child.name, child.child) for child in SCHEMA.children_of(sobject.name) if child.name}
        assert len(names) == len(pairs), sobject.name


def test_key_prefixes_are_unique_but_for_the_values_of_two_standard_picklists() -> None:
    prefixes = [sobject.key_prefix for sobject in SCHEMA if sobject.key_prefix]
    assert {each for each in prefixes if prefixes.count(each) > 1} == {"01J"}


DESCRIBED = [
    "Account",
    "Contact",
    "Lead",
    "Opportunity",
    "Case",
    "User",
    "PermissionSetAssignment",
    "GroupMember",
]


@pytest.mark.parametrize("name", DESCRIBED)
def test_fields_are_as_a_real_org_describes_them(name: str, recordings: Path) -> None:
    known = SCHEMA[name]
    for real in _described(recordings, name):
        field = known.field(real["name"])
        if field is None or real["custom"]:
            continue
        assert field.type == real["type"], real["name"]
        if real["type"] not in ("picklist", "multipicklist"):  # their lengths differ between versions
            assert field.length == real["length"], real["name"]
        if real["type"] == "reference":
            assert field.relationship_name == real["relationshipName"], real["name"]


def _described(recordings: Path, name: str) -> list[dict[str, Any]]:
    paths = (recordings / "describe").glob(f"get-sobjects-{name}-describe-200-*.json")
    bodies = [json.loads(path.read_text(encoding="utf-8"))["response"]["body"] for path in sorted(paths)]
    return [field for body in bodies for field in body["fields"]]


@pytest.fixture
def recordings() -> Path:
    folder = Path(__file__).resolve().parents[4] / "shared" / "recordings"
    if not folder.is_dir():
        pytest.skip("the recordings are not beside the repository")
    return folder
