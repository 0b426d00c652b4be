"""An org with records of two sharing models, and a way to make users with just these rights."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

NARROW = "Minimum Access - Salesforce"
BITS = {
    "r": "PermissionsRead",
    "c": "PermissionsCreate",
    "e": "PermissionsEdit",
    "d": "PermissionsDelete",
    "V": "PermissionsViewAllRecords",
    "M": "PermissionsModifyAllRecords",
    "F": "PermissionsViewAllFields",
}
"""Letters for rights on an object."""
OBJECT = """<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><label>{label}</label>
<pluralLabel>{label}s</pluralLabel><nameField><label>Name</label><type>Text</type></nameField>
<sharingModel>{model}</sharingModel></CustomObject>"""
FIELD = """<?xml version="1.0" encoding="UTF-8"?>
<CustomField xmlns="http://soap.sforce.com/2006/04/metadata"><fullName>{name}</fullName>
<label>{name}</label>{rest}</CustomField>"""
MASTER = (
    "<type>MasterDetail</type><referenceTo>Deal__c</referenceTo><relationshipName>Items</relationshipName>"
    "<relationshipOrder>0</relationshipOrder>"
)
TEXT = "<type>Text</type><length>40</length>"


def write_object(folder: Path, name: str, model: str, **fields: str) -> None:
    """Write an object, and its fields by name, in source format."""
    home = folder / "objects" / name
    (home / "fields").mkdir(parents=True, exist_ok=True)
    label = name.removesuffix("__c")
    (home / f"{name}.object-meta.xml").write_text(OBJECT.format(label=label, model=model))
    for field, rest in fields.items():
        (home / "fields" / f"{field}.field-meta.xml").write_text(FIELD.format(name=field, rest=rest))


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedOrg]:
    """Deals are private and have items; notices may be read by all, papers be edited by all."""
    folder = tmp_path_factory.mktemp("seed")
    write_object(folder, "Deal__c", "Private", Size__c=TEXT, Mood__c=TEXT)
    write_object(folder, "Item__c", "ControlledByParent", Deal__c=MASTER)
    write_object(folder, "Notice__c", "Read")
    write_object(folder, "Paper__c", "ReadWrite")
    made = EmulatedOrg(clock=Clock.fixed())
    assert made.load(folder).problems == []
    yield made
    made.close()


@pytest.fixture
def org(furnished: EmulatedOrg) -> Iterator[EmulatedOrg]:
    made = furnished.fork()
    yield made
    made.close()


NewUser = Callable[..., str]
Grant = Callable[..., str]


@pytest.fixture
def new_user(org: EmulatedOrg) -> NewUser:
    """A user of a profile; other fields as named."""

    def make(name: str = "narrow", profile: str = NARROW, **fields: Any) -> str:
        (found,) = org.rows("Profile", Name=profile)
        usual = {
            "Username": f"{name}@acme.example",
            "LastName": name.title(),
            "Email": f"{name}@acme.example",
            "Alias": name[:8],
            "ProfileId": found["Id"],
            "TimeZoneSidKey": "America/Los_Angeles",
            "LocaleSidKey": "en_US",
            "LanguageLocaleKey": "en_US",
            "EmailEncodingKey": "UTF-8",
        }
        return org.has("User", **{**usual, **fields})

    return make


def fill_set(org: EmulatedOrg, granted: str, objects: dict[str, str], fields: dict[str, str]) -> None:
    """Give a permission set rights, by letters: objects `rce`, fields `r` or `re`."""
    for name, letters in objects.items():
        if letters:
            flags = {BITS[letter]: True for letter in letters}
            org.has("ObjectPermissions", ParentId=granted, SobjectType=name, **flags)
    for name, letters in fields.items():
        flags = {"PermissionsRead": True, "PermissionsEdit": "e" in letters}
        org.has("FieldPermissions", ParentId=granted, SobjectType=name.partition(".")[0], Field=name, **flags)


@pytest.fixture
def grant(org: EmulatedOrg) -> Grant:
    """Assign a new permission set: objects and fields by letters, system permissions by name."""

    def give(
        user: str,
        objects: dict[str, str] | None = None,
        fields: dict[str, str] | None = None,
        permissions: Sequence[str] = (),
        **assignment: Any,
    ) -> str:
        name = f"Set_{len(org.rows('PermissionSet'))}"
        flags = {f"Permissions{each}": True for each in permissions}
        granted = org.has("PermissionSet", Name=name, Label=name, **flags)
        fill_set(org, granted, objects or {}, fields or {})
        org.has("PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted, **assignment)
        return granted

    return give


def code_of(act: Callable[[], Any]) -> str:
    """`ok`, or the code of the refusal."""
    try:
        act()
    except ApiError as error:
        return error.code
    return "ok"


class Acting:
    """A user's doings in the org, each answered by its code."""

    def __init__(self, org: EmulatedOrg, user: str) -> None:
        self.org, self.user = org, user

    def query(self, soql: str) -> str:
        return code_of(lambda: self.org.query(soql, user_id=self.user))

    def names(self, soql: str) -> list[str]:
        return [row["Name"] for row in self.org.query(soql, user_id=self.user).records]

    def read(self, sobject: str, row: str, *fields: str) -> str:
        return code_of(lambda: self.org.retrieve(sobject, row, fields or None, user_id=self.user))

    def insert(self, sobject: str, **fields: Any) -> str:
        return self._write(lambda tx: tx.insert(sobject, fields))

    def update(self, sobject: str, row: str, **fields: Any) -> str:
        return self._write(lambda tx: tx.update(sobject, row, fields))

    def delete(self, sobject: str, row: str) -> str:
        return self._write(lambda tx: tx.delete(sobject, row))

    def _write(self, write: Callable[[Any], Any]) -> str:
        """A refusal leaves the org as it was."""
        before = self.org.snapshot()

        def run() -> None:
            with self.org.transaction(self.user) as tx:
                write(tx)

        code = code_of(run)
        assert code == "ok" or self.org.snapshot() == before
        return code


@pytest.fixture
def acting(org: EmulatedOrg) -> Callable[[str], Acting]:
    return lambda user: Acting(org, user)
