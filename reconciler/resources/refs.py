"""Look-ups as files write them: the relationship name with the parent's natural key.

``Account__r: {Account_Code__c: ACME}`` names a parent by one field, several fields make a
composite key, a nested map goes on through the parent's parents. Where a field may point to
several objects, the object is named first: ``Owner: {Queue: Tier_1}``, ``What: {Account: {Name: X}}``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.model.describe import FieldInfo
from reconciler.model.values import Ref, Value, make_ref

from .fields import Misfit, is_empty, untyped
from .lookups import DEFAULT_KEY

Typing = Callable[[str, str, Any], tuple[str, Value]]
"""Path and value of what a file says of an object's key, in their canonical form. Raises `Misfit`."""

GROUP_TYPES: Mapping[str, str] = {"Queue": "Queue", "Group": "Regular"}
"""Words for rows of Group, by their Type."""


def queue(developer_name: str) -> Ref:
    return make_ref("Group", {"DeveloperName": developer_name, "Type": "Queue"})


def public_group(developer_name: str) -> Ref:
    return make_ref("Group", {"DeveloperName": developer_name, "Type": "Regular"})


def user(username: str) -> Ref:
    return make_ref("User", {"Username": username})


def plainly(sobject: str, path: str, raw: Any) -> tuple[str, Value]:
    """The typing of a key where no describe is at hand."""
    return path, untyped(raw)


def read_ref(field: FieldInfo, owner: str, raw: Any, typed: Typing = plainly) -> Value:
    """The look-up that ``raw`` means for ``field`` of ``owner``; None clears it. Raises `Misfit`."""
    if is_empty(raw):
        return None
    if len(field.reference_to) == 1:
        ref = read_key(field.reference_to[0], raw, field.relationship or field.name, typed)
        if ref.sobject == "RecordType" and "SobjectType" not in dict(ref.key):
            return make_ref("RecordType", {**dict(ref.key), "SobjectType": owner})
        return ref
    return _typed_ref(field, raw, typed)


def read_key(sobject: str, raw: Any, name: str, typed: Typing = plainly) -> Ref:
    """The natural key of a row of ``sobject``: a map of fields, or one value where a usual key is known."""
    if isinstance(raw, Mapping):
        said = dict(_flat(raw, ""))
        if not said:
            raise Misfit(f"'{name}' names no key", f"write it like {name}: {{Name: ...}}")
        if any(path.rpartition(".")[2].lower() == "id" for path in said):
            raise Misfit(
                f"'{name}' names a record id, which differs in every org", "name the row by a key of its own"
            )
        key = dict(typed(sobject, path, value) for path, value in said.items())
        if len(key) != len(said):
            raise Misfit(f"'{name}' says one field of its key twice", "keep one of the two")
        if all(value is None for value in key.values()):
            raise Misfit(f"'{name}' names a key without a value", f"fill in {', '.join(key)}, or write null")
        return make_ref(sobject, key)
    usual = DEFAULT_KEY.get(sobject)
    if usual is not None and not isinstance(raw, list):
        values = dict([typed(sobject, usual[0], raw)])
        if sobject == "Group":
            values["Type"] = "Regular"
        return make_ref(sobject, values)
    raise Misfit(
        f"'{name}' must name the parent by a key, found '{raw}'", f"write it like {name}: {{Name: {raw}}}"
    )


def _typed_ref(field: FieldInfo, raw: Any, typed: Typing) -> Ref:
    name = field.relationship or field.name
    targets = list(field.reference_to)
    example = (
        f"{name}: {{Queue: Tier_1}}"
        if "Group" in targets
        else f"{name}: {{{targets[0] if targets else 'Account'}: {{Name: ...}}}}"
    )
    if not isinstance(raw, Mapping) or len(raw) != 1:
        if isinstance(raw, Mapping) and "User" in targets and set(raw) <= {"Username", "Alias", "Name"}:
            return read_key("User", raw, name, typed)
        raise Misfit(f"'{name}' may point to {', '.join(targets[:6])}: say which", f"write it like {example}")
    word, key = next(iter(raw.items()))
    if word in GROUP_TYPES and "Group" in targets:
        ref = read_key("Group", key if isinstance(key, Mapping) else {"DeveloperName": key}, name, typed)
        return make_ref("Group", {**dict(ref.key), "Type": GROUP_TYPES[word]})
    if word in targets:
        return read_key(word, key, name, typed)
    if "User" in targets and word in ("Username", "Alias", "Name"):
        return read_key("User", raw, name, typed)
    raise Misfit(f"'{name}' cannot point to '{word}'", f"one of: {', '.join(targets[:12])}; as in {example}")


def _flat(raw: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    """``{Email: x, Account: {Name: y}}`` as paths and values."""
    pairs: list[tuple[str, Any]] = []
    for name, value in raw.items():
        if isinstance(value, Mapping):
            pairs.extend(_flat(value, f"{prefix}{name}."))
        elif isinstance(value, list):
            raise Misfit(f"'{prefix}{name}' in a key takes one value, found a list", "write one value")
        else:
            pairs.append((prefix + name, value))
    return pairs
