"""Custom settings: one row for the org, a profile or a user; or a list of named rows.

`org`, `profile` and `user` belong to hierarchy settings, whose rows are found by their owner;
`list` belongs to list settings, whose rows are found by Name.

Source: Apex Developer Guide, "Custom Settings"; Object Reference, describe's `customSetting`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Lane
from reconciler.model.state import Resource
from reconciler.model.values import Ref, Value, make_ref
from reconciler.spec.nodes import MapNode

from .declare import (
    SALESFORCE_NAME,
    Declarations,
    Section,
    entries,
    make,
    read_common,
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


def declare(node: MapNode, into: Declarations) -> None:
    for sobject, body in entries(node, "custom_settings", into):
        for word, rows in body.items():
            if word == "org":
                if isinstance(rows, MapNode):
                    _add(sobject, ("org",), {"SetupOwnerId": THIS_ORG}, rows, into)
                else:
                    into.problem(
                        f"org of {sobject} must be a map of fields",
                        body.value_source(word),
                        "write {Field__c: value}",
                    )
            elif word in WORDS:
                for name, row in entries(rows, f"{word} of {sobject}", into):
                    identity: dict[str, Value] = (
                        {"Name": name} if word == "list" else {"SetupOwnerId": OWNERS[word](name)}
                    )
                    _add(sobject, (word, name), identity, row, into)
            else:
                unknown_key(word, WORDS, f"custom setting {sobject}", body.key_source(word), into)


def _add(
    sobject: str, name: tuple[str, ...], identity: dict[str, Value], body: MapNode, into: Declarations
) -> None:
    label = f"{sobject} {' '.join(name)}"
    common = read_common(body, into, label)
    _, fields = split_body(body, (), label, into)
    into.add(make("CustomSetting", sobject, ResourceKey(sobject, name), identity, fields, body, common))


def _schema() -> dict[str, Any]:
    fields = {
        "type": "object",
        "patternProperties": {SALESFORCE_NAME.pattern.replace(r"\Z", "$"): {}, r"^\$": {}},
        "additionalProperties": False,
    }
    rows = {"type": "object", "additionalProperties": fields}
    setting = {
        "type": "object",
        "properties": {"org": fields, "profile": rows, "user": rows, "list": rows},
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

    def resolve(self, resources: list[Resource] | Any) -> list[Problem]:
        problems = super().resolve(resources)
        for sobject in {resource.sobject for resource in resources}:
            info = self.describes.info(sobject)
            if info is not None and not info.custom_setting:
                first = next(resource for resource in resources if resource.sobject == sobject)
                problems.append(
                    Problem(
                        f"'{sobject}' is no custom setting", first.source, "declare its rows under records"
                    )
                )
        return problems
