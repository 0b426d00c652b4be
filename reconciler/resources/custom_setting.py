"""Custom settings: one row for the org, a profile or a user; or a list of named rows.

`org`, `profile` and `user` belong to hierarchy settings, whose rows are found by their owner;
`list` belongs to list settings, whose rows are found by Name.

Source: Apex Developer Guide, "Custom Settings"; Object Reference, describe's `customSetting`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from reconciler.model.describe import ObjectInfo
from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Lane
from reconciler.model.source import SourceRef, Written
from reconciler.model.state import Resource
from reconciler.model.values import Ref, Value, make_ref
from reconciler.spec.json_schema import dollar_keys
from reconciler.spec.nodes import MapNode, is_null

from .declare import (
    FIELD_PATTERN,
    Declarations,
    Section,
    entries,
    make,
    read_common,
    refuse_former,
    split_body,
    unknown_key,
)
from .lookups import THIS_ORG
from .refs import user
from .rows import RowKind

OWNERS: Mapping[str, Callable[[str], Ref]] = {
    "profile": lambda name: make_ref("Profile", {"Name": name}),
    "user": user,
}
WORDS = ("org", *OWNERS, "list")
LIST_NAME_LENGTH = 38
"""Source: Salesforce Help, "Manage Custom Settings Data"; that the describe tells it was not verified."""


def declare(node: MapNode, into: Declarations) -> None:
    for sobject, body in entries(node, "custom_settings", into):
        source = node.key_source(sobject)
        if is_null(node[sobject]):
            into.problem(f"custom setting {sobject} says nothing", source, "write " + " or ".join(WORDS))
        for word, rows in body.items():
            written = Written.at(word, body.key_source(word))
            if word == "org":
                if isinstance(rows, MapNode):
                    _add(sobject, source, (written,), {"SetupOwnerId": THIS_ORG}, rows, into)
                else:
                    into.problem(
                        f"org of {sobject} must be a map of fields",
                        body.value_source(word),
                        "write {Field__c: value}",
                    )
            elif word in WORDS:
                for name, row in entries(rows, f"{word} of {sobject}", into, body.value_source(word)):
                    identity: dict[str, Value] = (
                        {"Name": name} if word == "list" else {"SetupOwnerId": OWNERS[word](name)}
                    )
                    _add(sobject, source, (written, name), identity, row, into)
            else:
                unknown_key(word, WORDS, f"custom setting {sobject}", body.key_source(word), into)


def _add(
    sobject: str,
    source: SourceRef,
    name: tuple[str, ...],
    identity: dict[str, Value],
    body: MapNode,
    into: Declarations,
) -> None:
    label = f"{sobject} {' '.join(name)}"
    common = read_common(body, into, label)
    refuse_former(common, body, label, into)
    _, fields = split_body(body, (), label, into)
    key = ResourceKey(sobject, name)
    into.add(make("CustomSetting", sobject, key, identity, fields, body, common, object_source=source))


def _schema() -> dict[str, Any]:
    fields = {
        "type": "object",
        "properties": dollar_keys(),
        "patternProperties": {FIELD_PATTERN: {}},
        "additionalProperties": False,
    }
    rows = {
        "type": "object",
        "properties": dollar_keys("$when"),
        "additionalProperties": {"anyOf": [fields, {"type": "null"}]},
    }
    setting = {
        "type": "object",
        "properties": {
            **dollar_keys("$for_each", "$when"),
            "org": fields,
            **dict.fromkeys((*OWNERS, "list"), rows),
        },
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "description": "Custom settings by API name",
        "additionalProperties": setting,
    }


SECTION = Section("custom_settings", declare, _schema)


class CustomSetting(RowKind):
    name = "CustomSetting"
    lane = Lane.ORDINARY

    def resolve(self, resources: Sequence[Resource]) -> list[Problem]:
        problems = super().resolve(resources)
        for resource in resources:
            info = self.describes.info(resource.sobject)
            if info is not None and info.name == resource.sobject:
                problems.extend(_misplaced(resource, info))
        return list(dict.fromkeys(problems))


def _misplaced(resource: Resource, info: ObjectInfo) -> Iterable[Problem]:
    """Why the setting has no rows of this sort; the same for all rows under one word."""
    if not info.custom_setting:
        where = resource.object_source or resource.source
        yield Problem(f"'{info.name}' is no custom setting", where, "declare its rows under records")
        return
    word = resource.key.name[0]
    if (word == "list") == _is_list(info):
        return
    where = word.source if isinstance(word, Written) else resource.source
    if word == "list":
        yield Problem(
            f"'{info.name}' is a hierarchy setting and holds no rows by name",
            where,
            "write the values under 'org', or under 'profile' or 'user' by name",
        )
    else:
        yield Problem(
            f"'{info.name}' is a list setting and holds no values of the {word}",
            where,
            "write its rows under 'list' by name",
        )


def _is_list(info: ObjectInfo) -> bool:
    """The describe has no word for it: rows of a list are found by a Name that is short and must be given."""
    name = info.field("Name")
    return name is not None and (name.length == LIST_NAME_LENGTH or not name.nillable)
