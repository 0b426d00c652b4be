"""Whatever people, rights, owners, shares and rules there are: what an org says of access is what it does."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata.component_types import component_type
from reconciler.emulator.metadata_xml import Tree
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.writes import Transaction

from .conftest import BITS, NARROW

FAST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12)
PEOPLE = ("ann", "bob", "cyd", "dan")
ROLES = ("Top", "Mid", "Low")
GROUPS = ("G", "H")
HOLDERS = (*PEOPLE, *GROUPS, *(f"role {role}" for role in ROLES), *(f"below {role}" for role in ROLES), "all")
"""With whom something may be shared."""
OBJECTS = ("Account", "Case", "Contact", "Deal__c", "Item__c", "Lead", "Notice__c", "Opportunity", "Paper__c")
LETTERS = ("", "r", "rc", "re", "red", "rced", "reV", "redVM")
OWN_RIGHTS = ("ViewAllData", "ModifyAllData", "TransferAnyEntity", "TransferAnyCase")
NAMED = {"Case": "Subject", "Contact": "LastName", "Lead": "LastName"}
DEFAULTS = {
    "DefaultAccountAccess": ("None", "Read", "Edit"),
    "DefaultLeadAccess": ("None", "Read", "ReadEditTransfer"),
    "DefaultCaseAccess": ("None", "ReadEditTransfer"),
    "DefaultOpportunityAccess": ("None", "Edit"),
    "DefaultContactAccess": ("None", "ControlledByParent"),
}
SHARES = {"Account": "AccountAccessLevel", "Case": "CaseAccessLevel", "Deal__c": "AccessLevel"}


@dataclass
class World:
    """One way an org may be: everything is told by name."""

    defaults: dict[str, str]
    roles: dict[str, str | None]
    rights: dict[str, dict[str, str]]
    permissions: dict[str, list[str]]
    members: list[tuple[str, str]]
    bosses: dict[str, bool]
    rows: list[tuple[str, str]]
    """Object and owner."""
    shares: list[tuple[int, str, str]]
    rules: list[tuple[str, str, str, str]]
    """Object, whose rows, with whom, how far."""
    queued: list[str] = field(default_factory=list)


LEVEL = st.sampled_from(("Read", "Edit"))
HOLDER = st.sampled_from(HOLDERS)
WORLDS = st.builds(
    World,
    defaults=st.fixed_dictionaries({name: st.sampled_from(words) for name, words in DEFAULTS.items()}),
    roles=st.fixed_dictionaries({who: st.sampled_from((*ROLES, None)) for who in PEOPLE}),
    rights=st.fixed_dictionaries(
        {who: st.fixed_dictionaries({name: st.sampled_from(LETTERS) for name in OBJECTS}) for who in PEOPLE}
    ),
    permissions=st.fixed_dictionaries(
        {who: st.lists(st.sampled_from(OWN_RIGHTS), max_size=1) for who in PEOPLE}
    ),
    members=st.lists(st.tuples(st.sampled_from((*GROUPS, "Queue")), HOLDER), max_size=4),
    bosses=st.fixed_dictionaries({name: st.booleans() for name in GROUPS}),
    rows=st.lists(
        st.tuples(st.sampled_from(OBJECTS), st.sampled_from((*PEOPLE, "Queue"))), min_size=1, max_size=5
    ),
    shares=st.lists(st.tuples(st.integers(0, 4), HOLDER, LEVEL), max_size=4),
    rules=st.lists(
        st.tuples(st.sampled_from(("Account", "Case", "Deal__c", "Notice__c")), HOLDER, HOLDER, LEVEL),
        max_size=2,
    ),
)


class Built:
    """The org of a world, and who and what is in it by name."""

    def __init__(self, base: EmulatedOrg, world: World) -> None:
        self.org = base.fork()
        self.world = world
        for column, word in world.defaults.items():
            self.org.store.execute(f'UPDATE "Organization" SET "{column}" = ?', (word,))
        self.org.schema.touch()
        self._set_up()
        self.rows = [self._row(sobject, owner) for sobject, owner in world.rows]
        self._share()

    def _set_up(self) -> None:
        org, world = self.org, self.world
        roles: dict[str | None, str | None] = {None: None}
        for name, above in zip(ROLES, (None, *ROLES), strict=False):
            roles[name] = org.has("UserRole", Name=name, DeveloperName=name, ParentRoleId=roles[above])
        (profile,) = org.rows("Profile", Name=NARROW)
        self.ids = {}
        for who in PEOPLE:
            self.ids[who] = org.has(
                "User", Username=f"{who}@acme.example", LastName=who, Email="a@acme.example", Alias=who,
                ProfileId=profile["Id"], TimeZoneSidKey="GMT", LocaleSidKey="en_US",
                LanguageLocaleKey="en_US", EmailEncodingKey="UTF-8", UserRoleId=roles[world.roles[who]],
            )  # fmt: skip
            self._grant(who)
        for row in org.rows("Group"):
            word = {"Role": "role ", "RoleAndSubordinates": "below ", "Organization": "all"}.get(row["Type"])
            if word:
                self.ids[word + (row["DeveloperName"] if word != "all" else "")] = row["Id"]
        for name in GROUPS:
            self.ids[name] = org.has(
                "Group", Name=name, DeveloperName=name, Type="Regular", DoesIncludeBosses=world.bosses[name]
            )
        self.ids["Queue"] = org.has("Group", Name="Q", DeveloperName="Q", Type="Queue")
        for name in ("Case", "Deal__c", "Lead", "Notice__c", "Paper__c"):
            org.has("QueueSobject", QueueId=self.ids["Queue"], SobjectType=name)
        for group, member in world.members:
            if group != member and (group, member) != ("G", "H"):
                org.has("GroupMember", GroupId=self.ids[group], UserOrGroupId=self.ids[member])

    def _grant(self, who: str) -> None:
        org, world = self.org, self.world
        flags = {f"Permissions{each}": True for each in world.permissions[who]}
        granted = org.has("PermissionSet", Name=f"Of_{who}", Label=who, **flags)
        for name, letters in world.rights[who].items():
            if letters:
                org.has(
                    "ObjectPermissions", ParentId=granted, SobjectType=name,
                    **{BITS[letter]: True for letter in letters},
                )  # fmt: skip
        org.has(
            "FieldPermissions", ParentId=granted, SobjectType="Case", Field="Case.Subject",
            PermissionsRead=True, PermissionsEdit=True,
        )  # fmt: skip
        org.has("PermissionSetAssignment", AssigneeId=self.ids[who], PermissionSetId=granted)

    def _row(self, sobject: str, owner: str) -> tuple[str, str]:
        values: dict[str, Any] = {NAMED.get(sobject, "Name"): "a"}
        taken = self.org.tables[sobject].entries
        if "OwnerId" in taken:
            queued = (
                owner == "Queue" and "Group" not in self.org.schema[sobject].fields["ownerid"].reference_to
            )
            values["OwnerId"] = self.ids["ann" if queued else owner]
        above = {"Item__c": ("Deal__c", "Deal__c")}.get(sobject)
        if sobject in ("Case", "Contact", "Opportunity"):
            above = ("AccountId", "Account")
        if above is not None:
            parent = {"Name": "above", "OwnerId": self.ids[owner if owner != "Queue" else "ann"]}
            values[above[0]] = self.org.has(above[1], **parent)
        if sobject == "Lead":
            values["Company"] = "c"
        if sobject == "Opportunity":
            values |= {"StageName": "Prospecting", "CloseDate": "2031-05-04"}
        return sobject, self.org.has(sobject, **values)

    def _share(self) -> None:
        for at, holder, level in self.world.shares:
            sobject, row = self.rows[at % len(self.rows)]
            if sobject not in SHARES:
                continue
            share = "Deal__Share" if sobject == "Deal__c" else f"{sobject}Share"
            parent = "ParentId" if sobject == "Deal__c" else f"{sobject}Id"
            usual = (
                {"OpportunityAccessLevel": "Edit", "CaseAccessLevel": level} if sobject == "Account" else {}
            )
            try:
                self.org.has(
                    share, **{parent: row, "UserOrGroupId": self.ids[holder], SHARES[sobject]: level}, **usual
                )
            except ApiError as error:
                assert error.code in ("FIELD_INTEGRITY_EXCEPTION", "INVALID_ACCESS_LEVEL")
        for number, (sobject, source, target, level) in enumerate(self.world.rules):
            if source in PEOPLE or target in PEOPLE:
                continue
            tree: Tree = {
                "accessLevel": [level],
                "label": ["R"],
                "sharedFrom": [party(source)],
                "sharedTo": [party(target)],
            }
            with self.org.transaction() as tx:
                component_type("SharingOwnerRule").write(tx, f"{sobject}.R{number}", tree)

    def told(self, who: str, row: str) -> dict[str, Any]:
        names = ", ".join(f"Has{each}Access" for each in ABILITIES)
        (found,) = self.org.query(
            f"SELECT RecordId, {names}, MaxAccessLevel FROM UserRecordAccess "
            f"WHERE UserId = '{self.ids[who]}' AND RecordId = '{row}'"
        ).records
        return found


ABILITIES = ("Read", "Edit", "Delete", "Transfer", "All")


def party(name: str) -> dict[str, list[Any]]:
    if name == "all":
        return {"allInternalUsers": [""]}
    if name in GROUPS:
        return {"group": [name]}
    kind, _, role = name.partition(" ")
    return {"role" if kind == "role" else "roleAndSubordinates": [role]}


class Undone(Exception):
    """Ends a transaction without keeping it."""


BARRED = ("INSUFFICIENT_ACCESS_OR_READONLY", "INVALID_CROSS_REFERENCE_KEY", "INVALID_TYPE")


def tried(org: EmulatedOrg, user: str, write: Any) -> str:
    """The code that a write is answered with; nothing is kept of it."""
    try:
        with org.transaction(user) as tx:
            write(tx)
            raise Undone
    except Undone:
        return "ok"
    except ApiError as error:
        assert error.code in BARRED, error
        return error.code


@pytest.fixture(scope="module")
def base(furnished: EmulatedOrg) -> Iterator[EmulatedOrg]:
    made = furnished.fork()
    made.set_license_total("Salesforce", 50)
    yield made
    made.close()


@FAST
@given(world=WORLDS)
def test_what_a_user_is_said_to_do_with_a_row_is_what_the_user_can_do(
    base: EmulatedOrg, world: World
) -> None:
    built = Built(base, world)
    org = built.org
    for who in PEOPLE:
        user = built.ids[who]
        for sobject, row in built.rows:
            told = built.told(who, row)
            able = [each for each in ABILITIES if told[f"Has{each}Access"]]
            assert told["MaxAccessLevel"] == (able[-1] if able else "None")
            where = (who, sobject, able)
            assert found(org, user, sobject, row) == ("Read" in able), where
            changed = tried(
                org, user, lambda tx, s=sobject, r=row: tx.update(s, r, {NAMED.get(s, "Name"): "b"})
            )
            assert (changed == "ok") == ("Edit" in able), where
            if "Read" in able and "Edit" not in able:
                assert changed == "INSUFFICIENT_ACCESS_OR_READONLY"
            deleted = tried(org, user, lambda tx, s=sobject, r=row: tx.delete(s, r))
            assert (deleted == "ok") == ("Delete" in able), where
            if "OwnerId" in org.tables[sobject].entries:
                given_away = tried(
                    org, user, lambda tx, s=sobject, r=row: tx.update(s, r, {"OwnerId": org.admin_id})
                )
                assert (given_away == "ok") == ("Transfer" in able), where
    org.close()


def found(org: EmulatedOrg, user: str, sobject: str, row: str) -> bool:
    """Whether a user finds a row, by SOQL and by its address, which agree."""
    try:
        org.retrieve(sobject, row, ["Id"], user_id=user)
        read = True
    except ApiError as error:
        assert error.code in ("NOT_FOUND", "INVALID_TYPE")
        read = False
    except KeyError:
        read = False
    try:
        asked = bool(org.query(f"SELECT Id FROM {sobject} WHERE Id = '{row}'", user_id=user).records)
    except ApiError as error:
        assert error.code == "INVALID_TYPE"
        asked = False
    assert asked == read, (sobject, asked, read)
    return read


@FAST
@given(world=WORLDS)
def test_a_share_object_and_the_rows_that_are_found_agree(base: EmulatedOrg, world: World) -> None:
    """Who is named in a share, or is in a group that is, finds the row; rights on the object aside."""
    built = Built(base, world)
    org = built.org
    for who in PEOPLE:
        user = built.ids[who]
        reach = set(org.access.of(user).reach)
        for sobject, row in built.rows:
            share = {"Deal__c": "Deal__Share", "Notice__c": "Notice__Share"}.get(sobject, f"{sobject}Share")
            if share not in org.schema or not world.rights[who][sobject]:
                continue
            parent = "ParentId" if share.endswith("__Share") else f"{sobject}Id"
            rows = org.query(f"SELECT UserOrGroupId FROM {share} WHERE {parent} = '{row}'").records
            holders = {number_of(each["UserOrGroupId"]) for each in rows}
            if holders & reach:
                assert found(org, user, sobject, row), (who, sobject)
    org.close()


def number_of(record_id: str) -> int:
    from reconciler.emulator import ids

    return ids.parse(record_id) or 0


def transaction_of(org: EmulatedOrg, user: str) -> Transaction:
    return Transaction(org, number_of(user))


@settings(FAST, max_examples=6)
@given(world=WORLDS, asked=st.sampled_from(sorted(OBJECTS)))
def test_what_is_said_of_objects_and_fields_is_what_describes_queries_and_writes_know(
    base: EmulatedOrg, world: World, asked: str
) -> None:
    built = Built(base, world)
    org = built.org
    for who in PEOPLE[:1]:
        user = built.ids[who]
        schema = org.access.of(user).schema
        entities = org.query(
            "SELECT EntityDefinition.QualifiedApiName, IsReadable, IsCreatable, IsUpdatable, IsDeletable "
            f"FROM UserEntityAccess WHERE UserId = '{user}'"
        ).records
        for row in entities:
            name = row["EntityDefinition"]["QualifiedApiName"]
            seen = schema.get(name)
            told = [row[f"Is{each}"] for each in ("Readable", "Creatable", "Updatable", "Deletable")]
            if seen is None:
                assert told == [False] * 4, name
            else:
                assert told == [True, seen.createable, seen.updateable, seen.deletable], name
        check_fields(org, user, asked)
    org.close()


def check_fields(org: EmulatedOrg, user: str, name: str) -> None:
    fields = org.query(
        "SELECT DurableId, FieldDefinitionId, IsAccessible, IsCreatable, IsUpdatable FROM UserFieldAccess "
        f"WHERE UserId = '{user}' AND EntityDefinition.QualifiedApiName = '{name}'"
    ).records
    assert len(fields) == len(org.schema[name].fields)
    durable = {
        row["DurableId"]: row["QualifiedApiName"]
        for row in org.query(
            "SELECT DurableId, QualifiedApiName FROM FieldDefinition "
            f"WHERE EntityDefinition.QualifiedApiName = '{name}'"
        ).records
    }
    seen = org.access.of(user).schema.get(name)
    for row in fields:
        called = durable.get(row["FieldDefinitionId"])
        assert called is not None
        field_seen = seen.field(called) if seen else None
        assert row["IsAccessible"] == (field_seen is not None), called
        try:
            org.query(f"SELECT {called} FROM {name} LIMIT 0", user_id=user)
            asked = True
        except ApiError as error:
            assert error.code in ("INVALID_FIELD", "INVALID_TYPE")
            asked = False
        assert asked == row["IsAccessible"], (name, called)
        if field_seen is not None and seen is not None:
            assert row["IsCreatable"] == (field_seen.createable and seen.createable)
            assert row["IsUpdatable"] == (field_seen.updateable and seen.updateable)
