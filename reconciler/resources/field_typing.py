"""From a file's fields to typed values: the org's describe says what each of them is.

Fields are known by their names in any case, look-ups by their relationship names. A field that the
describe does not have may be younger than the cached describe, so that it is asked for once more before
it is a problem. All problems of all resources are gathered.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.model.describe import FieldInfo, ObjectInfo
from reconciler.model.errors import Problem
from reconciler.model.promises import OrgClient
from reconciler.model.source import SourceRef, Written
from reconciler.model.state import Resource
from reconciler.model.values import Ref, Secret, Value
from reconciler.spec.nodes import MapNode

from .api_names import no_such_field, no_such_object
from .fields import Misfit, desired_value, is_empty, untyped
from .key_types import KeyTypes, NoSuchField
from .lookups import fold, fold_ref
from .refs import read_ref

REMEMBERED_VALUES = 50_000
"""How many typed values of one field are kept."""


class Describes:
    """The describes of one kind's objects; ``fixed`` are the same in every org and cost nothing."""

    def __init__(self, org: OrgClient, fixed: Mapping[str, ObjectInfo]) -> None:
        self.org = org
        self.fixed = fixed
        self._infos: dict[str, ObjectInfo] = dict(fixed)
        self._fresh: set[str] = set(fixed)

    def info(self, sobject: str) -> ObjectInfo | None:
        """None for an object that the org lacks or hides."""
        info = self._infos.get(sobject)
        if info is None:
            described = self.org.describe([sobject]).get(sobject)
            if described is not None:
                info = self._infos[sobject] = described
        return info

    def known(self, sobject: str) -> ObjectInfo:
        """As `info`, for an object that is known to be there."""
        info = self.info(sobject)
        if info is None:
            raise KeyError(f"{self.org.name} has no object {sobject}")
        return info

    def refreshed(self, sobject: str) -> ObjectInfo:
        """The describe past the cache, once an object."""
        if sobject not in self._fresh:
            self._fresh.add(sobject)
            fresh = self.org.refresh([sobject]).get(sobject)
            if fresh is not None:
                self._infos[sobject] = fresh
        return self.known(sobject)


class FieldTyping:
    """Types the fields of resources in place."""

    def __init__(self, describes: Describes, types: KeyTypes) -> None:
        self.describes = describes
        self.types = types
        self._typed: dict[tuple[str, str, type], dict[str, Value]] = {}

    def resolve(self, resources: Sequence[Resource]) -> list[Problem]:
        problems: list[Problem] = []
        unknown: dict[str, Resource] = {}
        for resource in resources:
            info = self.describes.info(resource.sobject)
            if info is None or info.name != resource.sobject:
                unknown.setdefault(resource.sobject, resource)
                continue
            resource.identity = self._type(resource, info, resource.identity, problems, key=True)
            resource.fields = self._type(resource, info, resource.fields, problems)
            resource.on_create = self._type(resource, info, resource.on_create, problems)
            for name in resource.identity.keys() & resource.fields.keys():
                problems.append(_said_twice(info.fields[name.lower()], resource.origin.key_source(name)))
            if resource.was is not None:
                resource.was = self._type(resource, info, dict(resource.was), problems, key=True)
            if resource.create_only or resource.ignore:
                self._set_aside(resource, info, problems)
        problems.extend(self._twins(resources))
        for sobject, resource in unknown.items():
            where = resource.object_source or resource.source
            problems.append(no_such_object(self.describes.org, sobject, where))
        return problems

    def _twins(self, resources: Sequence[Resource]) -> Iterable[Problem]:
        """Rows whose keys are written differently and find the same row: `acme` and `ACME`, `1` and `1.0`."""
        seen: dict[tuple[Any, ...], Resource] = {}
        for resource in resources:
            info = self.describes.info(resource.sobject)
            if info is None or info.name != resource.sobject or not resource.identity:
                continue
            token = tuple([_token(info.field(name), value) for name, value in resource.identity.items()])
            other = seen.setdefault((resource.sobject, *resource.identity, *token), resource)
            if other is not resource:
                yield Problem(
                    f"{resource.key.address} finds the same row as {other.key.address} at {other.source}",
                    resource.source,
                    "keep one of the two",
                )

    def _type(
        self,
        resource: Resource,
        info: ObjectInfo,
        raw: Mapping[str, Any],
        problems: list[Problem],
        *,
        key: bool = False,
    ) -> dict[str, Value]:
        typed: dict[str, Value] = {}
        for name, value in raw.items():
            if type(value) is Ref or type(value) is bool:
                typed[name] = value
                continue
            if key and type(value) is Secret:
                secret = _secret_key(name)
                problems.append(Problem(secret.what, _source_of_name(resource, name), secret.mend))
                continue
            field, value = self._type_one(resource, info, name, value, problems)
            if field is None:
                continue
            if field.name in typed:
                problems.append(_said_twice(field, _source_of_name(resource, name)))
            elif not key and not (field.createable or field.updateable):
                problems.append(_read_only(field, info, _source_of_name(resource, name)))
            typed[field.name] = value
        return typed

    def _type_one(
        self, resource: Resource, info: ObjectInfo, name: str, raw: Any, problems: list[Problem]
    ) -> tuple[FieldInfo | None, Value]:
        field = info.fields.get(name.lower())
        if field is None or (field.reference_to and raw is not None and type(raw) is not str):
            return self._lookup(resource, info, name, raw, problems)
        try:
            return field, self._typed_value(info.name, field.name, field, raw)
        except Misfit as misfit:
            problems.append(Problem(misfit.what, resource.origin.source_of(name), misfit.mend))
            return None, None

    def _typed_value(self, sobject: str, path: str, field: FieldInfo, raw: Any) -> Value:
        """`desired_value`, remembered: release data repeats itself."""
        if not isinstance(raw, str):
            return desired_value(field, raw)
        kept = (sobject, path, type(raw))
        known = self._typed.get(kept)
        if known is None or len(known) > REMEMBERED_VALUES:
            known = self._typed[kept] = {}
        if raw not in known:
            known[raw] = desired_value(field, raw)
        return known[raw]

    def _lookup(
        self, resource: Resource, info: ObjectInfo, name: str, raw: Any, problems: list[Problem]
    ) -> tuple[FieldInfo | None, Value]:
        """A look-up under its relationship name, or a name that the object lacks."""
        where = resource.origin.source_of(name)
        field = info.relationships.get(name.lower())
        if field is None:
            fresh = self.describes.refreshed(info.name)
            field = fresh.relationships.get(name.lower())
            if field is None and (plain := fresh.fields.get(name.lower())) is not None:
                if plain.reference_to and is_empty(raw):
                    return plain, None
                if plain.reference_to:
                    problems.append(_wants_relationship(plain, _source_of_name(resource, name)))
                    return None, None
                try:
                    return plain, desired_value(plain, raw)
                except Misfit as misfit:
                    problems.append(Problem(misfit.what, where, misfit.mend))
                return None, None
        if field is None:
            problems.append(no_such_field(info, name, _source_of_name(resource, name)))
            return None, None
        try:
            return field, read_ref(field, info.name, raw, self._key_value)
        except Misfit as misfit:
            problems.append(Problem(misfit.what, where, misfit.mend))
        except NoSuchField as missing:
            problems.append(
                no_such_field(
                    missing.info, missing.name, _inside(raw, missing.name) or _source_of_name(resource, name)
                )
            )
        return None, None

    def _key_value(self, sobject: str, path: str, raw: Any) -> tuple[str, Value]:
        """Path and value of a parent's key, as the parent's own field is. Raises `Misfit`, `NoSuchField`."""
        path, field = self.types.named(sobject, path)
        if type(raw) is Secret:
            raise _secret_key(path)
        if is_empty(raw):
            return path, None
        return path, untyped(raw) if field is None else self._typed_value(sobject, path, field, raw)

    def _set_aside(self, resource: Resource, info: ObjectInfo, problems: list[Problem]) -> None:
        """Take fields under `$create_only` and `$ignore` out of what is compared."""
        for name in (*resource.create_only, *resource.ignore):
            field = info.field(name) or info.relationships.get(name.lower())
            if field is None:
                problems.append(no_such_field(info, name, _source_of_name(resource, name)))
                continue
            value = resource.fields.pop(field.name, None)
            if name in resource.create_only and value is not None:
                resource.on_create[field.name] = value


def _source_of_name(resource: Resource, name: str) -> SourceRef:
    """Where the name of a field is written: with a word of `$key` and the like, or in the row."""
    return name.source if isinstance(name, Written) else resource.origin.key_source(name)


def _inside(raw: Any, name: str) -> SourceRef | None:
    """Where the word ``name`` is written in the map of a look-up, at any depth."""
    if not isinstance(raw, MapNode):
        return None
    if name in raw:
        return raw.key_source(name)
    return next((found for each in raw.values() if (found := _inside(each, name)) is not None), None)


def _token(field: FieldInfo | None, value: Value) -> Value:
    """What a key's value is compared by."""
    if type(value) is Ref:
        return fold_ref(value)
    return value if field is not None and field.case_sensitive else fold(value)


def _secret_key(name: str) -> Misfit:
    return Misfit(
        f"'{name}' finds a row and cannot be a secret: keys are shown and stored",
        "write the key itself, or find the row by another field",
    )


def _said_twice(field: FieldInfo, where: Any) -> Problem:
    return Problem(f"'{field.name}' is written twice in one row", where, "keep one of the two")


def _read_only(field: FieldInfo, info: ObjectInfo, where: Any) -> Problem:
    return Problem(
        f"'{field.name}' of {info.name} is read-only",
        where,
        "leave it out: Salesforce fills it, or it is a formula",
    )


def _wants_relationship(field: FieldInfo, where: Any) -> Problem:
    return Problem(
        f"'{field.name}' holds a record id, which differs in every org",
        where,
        f"write the look-up by natural key: {field.relationship}: {{Name: ...}}",
    )
