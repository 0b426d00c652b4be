"""What a project's files say against what SOQL finds in the org, row by row and without ids.

Nothing here goes through the product: the org is asked directly, and look-ups are followed by id.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.emulator.org import EmulatedOrg

from .sources import SourcePermissionSet, SourceRecord, is_reference
from .state_files import (
    FIELD_WORDS,
    NUMBERS,
    OBJECT_WORDS,
    RECORD_TYPE,
    SEED_KEY,
    Keys,
    field_of,
    field_rights,
    object_rights,
    setup_entities,
    user_permissions,
)

Token = tuple[Any, ...]
Rows = dict[str, dict[Token, dict[str, Any]]]
"""Object -> natural key -> field -> value; a look-up's value is the natural key of its parent."""
RIGHTS = {
    "read": "PermissionsRead",
    "create": "PermissionsCreate",
    "edit": "PermissionsEdit",
    "delete": "PermissionsDelete",
    "view_all": "PermissionsViewAllRecords",
    "modify_all": "PermissionsModifyAllRecords",
}


def told(org: EmulatedOrg, records: Sequence[SourceRecord], keys: Keys) -> Rows:
    """What the files say of ``records``, whose parents are among them."""
    by_reference = {record.reference: record for record in records}

    def value(record: SourceRecord, name: str) -> Any:
        if name == SEED_KEY:
            return record.reference
        raw = record.fields.get(name)
        if is_reference(raw):
            return token(by_reference[str(raw)[1:]])
        if raw is None or name == RECORD_TYPE:
            return raw
        type_ = field_of(org, record.sobject, name).type
        if type_ == "boolean":
            return str(raw).lower() == "true"
        return float(raw) if type_ in NUMBERS else raw

    def token(record: SourceRecord) -> Token:
        return (record.sobject, *(value(record, name) for name in keys[record.sobject]))

    rows: Rows = {}
    for record in records:
        fields = {name: value(record, name) for name in record.fields}
        rows.setdefault(record.sobject, {})[token(record)] = fields
    assert sum(map(len, rows.values())) == len(records), "the natural keys are not unique"
    return rows


def found(org: EmulatedOrg, records: Sequence[SourceRecord], keys: Keys) -> Rows:
    """What SOQL finds, in the fields that ``records`` name; parents before children."""
    names: dict[str, dict[str, None]] = {}
    for record in records:
        names.setdefault(record.sobject, dict.fromkeys(keys[record.sobject])).update(
            dict.fromkeys(record.fields)
        )
    tokens: dict[str, Token] = {}
    rows: Rows = {}
    for sobject, fields in names.items():
        rows[sobject] = {}
        for row in org.query(f"SELECT Id, {', '.join(fields)} FROM {sobject}").records:
            values = {name: _value(org, sobject, name, row, tokens) for name in fields}
            token = (sobject, *(values[name] for name in keys[sobject]))
            assert token not in rows[sobject], f"two rows are {token}"
            tokens[row["Id"]] = token
            rows[sobject][token] = values
    return rows


def _value(org: EmulatedOrg, sobject: str, name: str, row: dict[str, Any], tokens: dict[str, Token]) -> Any:
    if name == RECORD_TYPE:
        return row["RecordType"] and row["RecordType"]["DeveloperName"]
    field = field_of(org, sobject, name)
    raw = row[name]
    if field.type == "reference":
        return raw and tokens[raw]
    return float(raw) if raw is not None and field.type in NUMBERS else raw


def differences(wanted: Rows, live: Rows) -> list[str]:
    """Rows of either that the other lacks, and fields named in ``wanted`` that hold something else."""
    lines = []
    for sobject in {**wanted, **live}:
        mine, theirs = wanted.get(sobject, {}), live.get(sobject, {})
        lines += [f"missing: {token}" for token in mine if token not in theirs]
        lines += [f"unexpected: {token}" for token in theirs if token not in mine]
        for token in mine:
            for name, value in mine[token].items():
                if token in theirs and theirs[token][name] != value:
                    lines.append(f"{token} {name}: {value!r} in the file, {theirs[token][name]!r} in the org")
    return lines


def permissions_told(org: EmulatedOrg, sets: Iterable[SourcePermissionSet]) -> set[Token]:
    """One token a right that ``sets`` give: set, what kind of thing, its name, the rights."""
    tokens: set[Token] = set()
    for each in sets:
        tokens.add((each.name, "set", each.label, each.description))
        tokens |= {(each.name, "user", name) for name in user_permissions(org, each)}
        tokens |= {(each.name, "object", name, *words) for name, words in object_rights(org, each).items()}
        tokens |= {(each.name, "field", name, *words) for name, words in field_rights(org, each).items()}
        for word, names in setup_entities(org, each).items():
            tokens |= {(each.name, word, name) for name in names}
    return tokens


def permissions_found(org: EmulatedOrg, sets: Iterable[SourcePermissionSet]) -> set[Token]:
    """The same, as SOQL finds it."""
    names = {row["Id"]: row["Name"] for row in org.rows("PermissionSet") if not row["IsOwnedByProfile"]}
    tokens: set[Token] = set()
    asked = {f"Permissions{name}" for each in sets for name in each.user_permissions}
    columns = sorted(name for name in asked if org.schema["PermissionSet"].field(name))
    query = f"SELECT {', '.join(['Id', 'Label', 'Description', *columns])} FROM PermissionSet"
    for row in org.query(query).records:
        if name := names.get(row["Id"]):
            tokens.add((name, "set", row["Label"], row["Description"]))
            tokens |= {(name, "user", column) for column in columns if row[column]}
    for sobject, named_by, kind, words in (
        ("ObjectPermissions", "SobjectType", "object", OBJECT_WORDS.values()),
        ("FieldPermissions", "Field", "field", FIELD_WORDS.values()),
    ):
        rights = [RIGHTS[word] for word in words]
        for row in org.query(f"SELECT ParentId, {named_by}, {', '.join(rights)} FROM {sobject}").records:
            if name := names.get(row["ParentId"]):
                tokens.add((name, kind, row[named_by], *(word for word in words if row[RIGHTS[word]])))
    entities = {row["Id"]: ("apex_classes", row["Name"]) for row in org.rows("ApexClass")}
    for row in org.query("SELECT ParentId, SetupEntityId FROM SetupEntityAccess").records:
        if name := names.get(row["ParentId"]):
            tokens.add((name, *entities[row["SetupEntityId"]]))
    return tokens
