"""JSON Schema (draft 2020-12) of state files and of orgs.yaml, for editors.

An editor completes and marks with it while typing; `reconcile validate` decides. So the schema is
more lenient where variables and `$for_each` may stand, and leaves to the loader what no schema can
say: duplicate keys, references, ambiguous scalars.
"""

from collections.abc import Mapping
from typing import Any

from .variables import DECLARATION_WORDS, TYPES

DRAFT = "https://json-schema.org/draft/2020-12/schema"

_CONDITION = {
    "type": "object",
    "description": "Keep this entry only for orgs with one of these tags and these values of variables.",
    "minProperties": 1,
    "properties": {
        "tags": {"$ref": "#/$defs/texts"},
        "variables": {"type": "object", "additionalProperties": {"$ref": "#/$defs/values"}},
    },
    "additionalProperties": {"$ref": "#/$defs/values"},
}

COMMON_KEYS: Mapping[str, Any] = {
    "$for_each": {
        "description": "Repeat this entry for each item, with ${each.key} and ${each.value}.",
        "type": ["array", "object", "string"],
    },
    "$when": _CONDITION,
    "$depends_on": {"$ref": "#/$defs/texts", "description": "Addresses of what must come first."},
    "$absent": {"type": "boolean", "description": "This must not exist."},
    "$protect": {"type": "boolean", "description": "Refuse to delete or replace this."},
    "$create_only": {"$ref": "#/$defs/texts", "description": "Fields written only when this is made."},
    "$ignore": {"$ref": "#/$defs/texts", "description": "Fields that are not compared."},
    "$limit": {"description": "How many may be changed or removed by one plan, as a count or a percentage."},
    "$was": {"description": "The former key: a rename, not a deletion and a creation."},
}
"""Schemas of the `$` keys, for the sections' own schemas to take up."""

_FILLED_IN = {
    "type": "string",
    "pattern": r"^\$\{[^{}]+\}$",
    "description": "a variable, whose value has the type that is wanted here",
}
_BY_NAME = ("properties", "patternProperties")
_ONE = ("additionalProperties", "items")


def dollar_keys(*names: str) -> dict[str, Any]:
    """References to the schemas of `$` keys, as ``properties``; without names, to all of them."""
    return {name: {"$ref": f"#/$defs/common/properties/{name}"} for name in names or COMMON_KEYS}


def _lenient(schema: Any) -> Any:
    """``schema`` with `${name}` accepted where something else than text is wanted, at any depth."""
    if not isinstance(schema, Mapping):
        return schema
    made = dict(schema)
    for word in _BY_NAME:
        if word in made:
            made[word] = {name: _lenient(each) for name, each in made[word].items()}
    for word in _ONE:
        if word in made:
            made[word] = _lenient(made[word])
    if "anyOf" in made:
        made["anyOf"] = [_lenient(each) for each in made["anyOf"]]
    wants_other = made.get("type", "string") not in ("string", "null") or "enum" in made
    return {"anyOf": [made, {"$ref": "#/$defs/filled_in"}]} if wants_other else made


def _section(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A section is written out as a map; what is in it may be filled in. `$when` may stand on all of it."""
    made = {**schema, "properties": {**schema.get("properties", {}), **dollar_keys("$when")}}
    made["additionalProperties"] = _lenient(schema.get("additionalProperties", True))
    return made


def json_schema(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The schema of a state file, with the schema of each section as the caller's kinds give it.

    A section's schema refers to `$` keys by `dollar_keys`; the `$defs` of its models are put with ours.
    """
    definitions: dict[str, Any] = {}
    for schema in sections.values():
        for name, each in schema.get("$defs", {}).items():
            definitions[name] = _lenient(each)
    sections = {
        name: {word: each for word, each in schema.items() if word != "$defs"}
        for name, schema in sections.items()
    }
    scalar: list[str] = ["string", "number", "boolean"]
    return {
        "$schema": DRAFT,
        "title": "State of a Salesforce org",
        "type": "object",
        "required": ["reconcile"],
        "additionalProperties": False,
        "properties": {
            "reconcile": {"const": 1, "description": "The version of this language."},
            "release": {"type": "string", "description": "What this release is called."},
            "variables": {
                "type": "object",
                "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
                "additionalProperties": {"$ref": "#/$defs/variable"},
            },
            "include": {"$ref": "#/$defs/texts", "description": "Files or patterns, relative to this file."},
            "checks": {"type": "array", "items": {"type": "object"}},
            **{name: _section(schema) for name, schema in sections.items()},
        },
        "$defs": {
            **definitions,
            "filled_in": _FILLED_IN,
            "texts": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "values": {"anyOf": [{"type": scalar}, {"type": "array", "items": {"type": scalar}}]},
            "common": {"type": "object", "properties": dict(COMMON_KEYS)},
            "variable": {
                "anyOf": [
                    {
                        "type": [*scalar, "array"],
                        "description": "A default value; its type is the variable's.",
                    },
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": _DECLARATION,
                    },
                ]
            },
        },
    }


_DECLARATION: Mapping[str, Any] = {
    "type": {"enum": list(TYPES)},
    "one_of": {"type": "array", "minItems": 1},
    "default": {},
    "pattern": {"type": "string", "format": "regex"},
    "description": {"type": "string"},
}
assert tuple(_DECLARATION) == DECLARATION_WORDS


def json_schema_orgs() -> dict[str, Any]:
    """The schema of orgs.yaml."""
    from .orgs import OrgsFile

    return {"$schema": DRAFT, **OrgsFile.model_json_schema(), "title": "Orgs that reconcile knows"}
