"""Whether an answer has the form of a recorded one: keys in order, types of values, texts of errors, headers.

Entries of lists are compared each with the one of the same name, id or place. Null is as good as a value only
where the field, or what `MAY_BE_NULL` says of the key, allows both.
"""

import re
from typing import Any

from reconciler.emulator.schema import Field, SObject

from .recorded_world import ID, World


def told(value: Any) -> list[str]:
    """All texts of errors in a body, in order, without the ids and addresses that differ between orgs."""
    if isinstance(value, dict):
        own = [value[key] for key in ("message", "error_description") if isinstance(value.get(key), str)]
        if "errorCode" not in value and "statusCode" not in value and "error" not in value:
            own = []
        return [plain(text) for text in own] + [text for each in value.values() for text in told(each)]
    return [text for each in value for text in told(each)] if isinstance(value, list) else []


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", ID.sub("ID", text)).strip()


# -- header fields

SENT_BY_THE_EDGE = ("set-cookie", "server", "x-sfdc-edge-cache", "queryid", "transfer-encoding")
"""Header fields of the machines before an org, and those that differ between any two answers."""
SAME_VALUE = (
    "cache-control", "content-type", "x-robots-tag", "x-content-type-options", "www-authenticate", "vary",
    "x-xss-protection",
)  # fmt: skip
"""Fields that say nothing of one org."""
PATTERNS = {
    "strict-transport-security": r"max-age=\d+; includeSubDomains",
    "sforce-limit-info": r"api-usage=\d+/\d+",
    "location": r"/services/data/v[\d.x]+/sobjects/\w+/\w+",
}


def compare_headers(expected: dict[str, Any], actual: dict[str, str]) -> None:
    """All recorded fields are there, with their value where it can be the same, else with one like it."""
    ours = {name.lower(): value for name, value in actual.items()}
    for name, value in expected.items():
        lowered = name.lower()
        if lowered in SENT_BY_THE_EDGE or (lowered == "content-type" and not value):
            continue
        assert lowered in ours, name
        if lowered in SAME_VALUE:
            assert ours[lowered].lower() == value.lower(), name
        if pattern := PATTERNS.get(lowered):
            assert re.match(pattern, value), f"the recorded {name} is not what the pattern says"
            assert re.match(pattern, ours[lowered]), name


# -- bodies

MAY_BE_NULL = re.compile(r"addr_\w+|value")
"""Keys outside of rows that one org has a value for and another has not."""
ONCE_NULL = frozenset(["defaultValue", "keyPrefix", "relationshipName", "searchLayoutable"])
"""Keys of describes that older versions had no value for, of some objects."""
KINDS: dict[str, tuple[str, ...]] = {
    "boolean": ("boolean",),
    "int": ("number",),
    "long": ("number",),
    "double": ("number",),
    "currency": ("number",),
    "percent": ("number",),
    "address": ("dict",),
    "location": ("dict",),
}
"""What the values of a field may be in JSON, by type; others are texts."""
SOME_DIFFER = frozenset(
    ("rowTemplate", "uiEditTemplate", "DailyApiRequests", "Max", "chatter", "feeds", "geocodeAccuracy")
)
"""Keys of lists of addresses and allowances: which there are differs by object, org and version."""
NAMES = ("name", "id", "value", "field", "fieldNameOrPath", "label", "version")
"""Keys that tell one entry of a list from another."""


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def compare(world: World, expected: Any, actual: Any, where: str = "$") -> None:
    """The same form. Rows may lack fields that the schema has not."""
    if not expected and where.endswith(".urls"):
        return
    if expected is None or actual is None:
        key = where.rpartition(".")[2]
        allowed = MAY_BE_NULL.fullmatch(key) or (world.old and key in ONCE_NULL)
        assert (expected is None and actual is None) or allowed, (where, expected, actual)
        return
    assert kind(expected) == kind(actual), where
    if isinstance(expected, dict):
        compare_keys(world, expected, actual, where)
        sobject = row_of(world, expected)
        for key in expected.keys() & actual.keys():
            if sobject is not None and (field := sobject.field(key)) is not None:
                compare_value(world, field, expected[key], actual[key], f"{where}.{key}")
            elif key not in ("validFor",):
                compare(world, expected[key], actual[key], f"{where}.{key}")
    elif isinstance(expected, list):
        compare_entries(world, expected, actual, where)


def compare_value(world: World, field: Field, expected: Any, actual: Any, where: str) -> None:
    """A value is of its field's type, and the recorded one where the row was made of it."""
    kinds = KINDS.get(field.type, ("str",))
    assert actual is None or kind(actual) in kinds, (where, actual)
    if actual is None:
        assert field.nillable or expected is None, where


def compare_entries(world: World, expected: list[Any], actual: list[Any], where: str) -> None:
    if where.endswith(("childRelationships", "recordTypeInfos")) and not actual:
        return  # of objects that the emulated org does not have
    assert actual or not expected, where
    for at, each in enumerate(expected):
        found = same_entry(world, each, at, actual)
        if found is not None:
            compare(world, each, found, f"{where}[{at}]")


def same_entry(world: World, expected: Any, at: int, actual: list[Any]) -> Any:
    """The entry of the same name, the row made for a recorded one; else what stands in the same place."""
    if isinstance(expected, dict) and "url" in expected.get("attributes", ()):
        made = world.translated.get(expected["attributes"]["url"].rpartition("/")[2])
        for each in actual:
            if made and each["attributes"]["url"].endswith(made):
                return each
    if isinstance(expected, dict) and "childSObject" in expected:
        wanted = (expected["childSObject"], expected["field"])
        return next((each for each in actual if (each["childSObject"], each["field"]) == wanted), None)
    if isinstance(expected, dict) and "attributes" not in expected:
        for key in NAMES:
            if isinstance(expected.get(key), str):
                return next((each for each in actual if each.get(key) == expected[key]), None)
    return actual[at] if at < len(actual) else None


def row_of(world: World, value: dict[str, Any]) -> SObject | None:
    """The object of a row."""
    attributes = value.get("attributes")
    return world.org.schema.get(attributes["type"]) if isinstance(attributes, dict) else None


def compare_keys(world: World, expected: dict[str, Any], actual: dict[str, Any], where: str) -> None:
    wanted = [key for key in expected if where != "$" or key not in ("debug", "query")]
    sobject = row_of(world, expected)
    if sobject is not None:
        known = [key for key in wanted if key in actual or sobject.field(key) or sobject.parent_path(key)]
        assert set(known) <= set(actual), where
        own = [key for key in known if key not in world.added]
        assert [key for key in actual if key in own] == own, where
    elif where.endswith(".httpHeaders"):
        return
    elif SOME_DIFFER & expected.keys() and not {"fields", "queryable"} <= expected.keys():
        common = [key for key in wanted if key in actual]
        assert world.old or world.trimmed or [key for key in actual if key in common] == common, where
    elif world.partial(expected) or ("errorCode" in expected and world.trimmed):
        assert set(wanted) <= set(actual), where
    else:
        assert list(actual) == wanted, where
