"""What all kinds that are rows of an sObject share: typing, reading, diffing, undoing, sending.

A kind is a subclass that fills in what is particular: its name, lane, fixed describes, what stands
in the way of a delete, which access a row means. The rules here come from the REST API: a row is
made, changed and deleted by sObject Collections, found again by its natural key.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from reconciler.model.describe import FieldInfo, ObjectInfo
from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey
from reconciler.model.outcome import Applied, Outcome, Refused
from reconciler.model.plan import Action, Inverse, Lane, Reversibility, Step
from reconciler.model.promises import (
    AccessChange,
    Found,
    OrgClient,
    Routine,
    Sending,
    Update,
)
from reconciler.model.state import LiveRow, Resource, Scope
from reconciler.model.values import Fields, Ref, Secret, Value

from . import soql
from .declare import fold_key
from .fields import Misfit, desired_value, is_empty, live_value, same, untyped
from .key_types import NoSuchField
from .lookups import LookupTable, fold, fold_ref
from .refs import read_ref
from .wants import Reader, Want, target_of

FORMER = "former key of"
"""Prefix of the key under which a row's former identity (`$was`) is looked for."""
FORMER_VALUE = Secret("former value, not stored")
"""Stands for the live value of a field that is set from a secret."""
REMEMBERED_VALUES = 50_000
"""How many typed values of one field are kept."""


class RowKind:
    """Keeps the promise `model.promises.Kind` for rows of one or several sObjects."""

    name: ClassVar[str]
    lane: ClassVar[Lane] = Lane.SETUP
    fixed: ClassVar[Mapping[str, ObjectInfo]] = {}
    """Objects that are the same in every org and need no describe call."""
    is_link: ClassVar[bool] = False
    """Rows that only join two others: made again, they are what they were."""
    deletes: ClassVar[bool] = True
    also_read: ClassVar[Mapping[str, tuple[Value, ...]]] = {}
    """Fields read of every row for `remarks`, owned or not."""
    must_exist: ClassVar[bool] = False
    """Rows that Salesforce makes by itself: they can be changed, never made or deleted."""

    def __init__(self, org: OrgClient, lookups: LookupTable, secrets: Mapping[str, str]) -> None:
        self.org = org
        self.lookups = lookups
        self.secrets = secrets
        self._infos: dict[str, ObjectInfo] = dict(self.fixed)
        self._typed: dict[tuple[str, str, type], dict[str, Value]] = {}

    # ── describing ───────────────────────────────────────────────────────────────────────────

    def sobjects(self, resources: Sequence[Resource]) -> set[str]:
        return {resource.sobject for resource in resources} - set(self.fixed)

    def info(self, sobject: str) -> ObjectInfo | None:
        info = self._infos.get(sobject)
        if info is None:
            described = self.org.describe([sobject]).get(sobject)
            if described is not None:
                info = self._infos[sobject] = described
        return info

    def _known(self, sobject: str) -> ObjectInfo:
        info = self.info(sobject)
        if info is None:
            raise KeyError(f"{self.org.name} has no object {sobject}")
        return info

    # ── typing ───────────────────────────────────────────────────────────────────────────────

    def resolve(self, resources: Sequence[Resource]) -> list[Problem]:
        problems: list[Problem] = []
        unknown: dict[str, Resource] = {}
        for resource in resources:
            info = self.info(resource.sobject)
            if info is None:
                unknown.setdefault(resource.sobject, resource)
                continue
            resource.identity = self._type(resource, info, resource.identity, problems, key=True)
            resource.fields = self._type(resource, info, resource.fields, problems)
            resource.on_create = self._type(resource, info, resource.on_create, problems)
            for name in resource.identity.keys() & resource.fields.keys():
                problems.append(_said_twice(info.fields[name.lower()], resource.origin.source_of(name)))
            if resource.was is not None:
                resource.was = self._type(resource, info, dict(resource.was), problems, key=True)
            if resource.create_only or resource.ignore:
                self._set_aside(resource, info, problems)
        problems.extend(self._twins(resources))
        for sobject, resource in unknown.items():
            problems.append(
                Problem(
                    f"org {self.org.name} has no object '{sobject}', or hides it from this user",
                    resource.source,
                    "check the API name, custom objects end in __c; or give the user access to it",
                )
            )
        return problems

    def _twins(self, resources: Sequence[Resource]) -> Iterable[Problem]:
        """Rows whose keys are written differently and find the same row: `acme` and `ACME`, `1` and `1.0`."""
        seen: dict[tuple[Any, ...], Resource] = {}
        for resource in resources:
            info = self.info(resource.sobject)
            if info is None or not resource.identity:
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
            field, value = self._type_one(resource, info, name, value, problems)
            if field is None:
                continue
            if field.name in typed:
                problems.append(_said_twice(field, resource.origin.source_of(name)))
            elif not key and not (field.createable or field.updateable):
                problems.append(_read_only(field, info, resource.origin.source_of(name)))
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
            fresh = self._refreshed(info.name)
            field = fresh.relationships.get(name.lower())
            if field is None and (plain := fresh.fields.get(name.lower())) is not None:
                if plain.reference_to and is_empty(raw):
                    return plain, None
                if plain.reference_to:
                    problems.append(_wants_relationship(plain, where))
                    return None, None
                try:
                    return plain, desired_value(plain, raw)
                except Misfit as misfit:
                    problems.append(Problem(misfit.what, where, misfit.mend))
                return None, None
        if field is None:
            problems.append(_no_such_field(info, name, where))
            return None, None
        try:
            return field, read_ref(field, info.name, raw, self._key_value)
        except Misfit as misfit:
            problems.append(Problem(misfit.what, where, misfit.mend))
        except NoSuchField as missing:
            problems.append(_no_such_field(missing.info, missing.name, where))
        return None, None

    def _key_value(self, sobject: str, path: str, raw: Any) -> tuple[str, Value]:
        """Path and value of a parent's key, as the parent's own field is. Raises `Misfit`, `NoSuchField`."""
        path, field = self.lookups.types.named(sobject, path)
        if is_empty(raw):
            return path, None
        return path, untyped(raw) if field is None else self._typed_value(sobject, path, field, raw)

    def _refreshed(self, sobject: str) -> ObjectInfo:
        """The describe past the cache: the field may be younger than the cache. Once an object."""
        marker = f"refreshed {sobject}"
        if sobject in self.fixed or marker in self._infos:
            return self._known(sobject)
        fresh = self.org.refresh([sobject]).get(sobject)
        if fresh is not None:
            self._infos[sobject] = self._infos[marker] = fresh
        return self._known(sobject)

    def _set_aside(self, resource: Resource, info: ObjectInfo, problems: list[Problem]) -> None:
        """Take fields under `$create_only` and `$ignore` out of what is compared."""
        for name in (*resource.create_only, *resource.ignore):
            field = info.field(name) or info.relationships.get(name.lower())
            if field is None:
                problems.append(_no_such_field(info, name, resource.source))
                continue
            value = resource.fields.pop(field.name, None)
            if name in resource.create_only and value is not None:
                resource.on_create[field.name] = value

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    def read_live(self, wanted: Sequence[Resource], scopes: Sequence[Scope]) -> Routine[Found]:
        found = Found()
        owners = {self.owner_of(scope.identity) for scope in scopes}
        if scopes:
            declared = {fold_key(resource.key): resource.key for resource in wanted}
            yield from self._read_members(scopes, declared, found)
        by_sobject: dict[str, list[Want]] = {}
        for resource in wanted:
            if owners and self.owner_of(resource.identity) in owners:
                continue
            wants = by_sobject.setdefault(resource.sobject, [])
            samples: dict[str, tuple[Value, ...]] = {n: (v,) for n, v in resource.fields.items()}
            samples.update(self.also_read)
            wants.append(Want(resource.key, resource.identity, samples, resource.source))
            if resource.was is not None:
                key = ResourceKey(resource.key.type, (FORMER, *resource.key.name))
                wants.append(Want(key, resource.was, samples, resource.source))
        yield from self._read(by_sobject, found)
        return found

    def read_again(self, steps: Sequence[Step]) -> Routine[Found]:
        found = Found()
        by_sobject: dict[str, dict[ResourceKey, Want]] = {}
        for step in steps:
            samples = _samples(step.before or {}, step.after or {})
            wants = by_sobject.setdefault(step.sobject, {})
            other = wants.get(step.key)
            if other is not None:  # a row that is made and linked later has two steps
                samples = _both(other.fields, samples)
            wants[step.key] = Want(step.key, step.identity, samples, step.source)
        listed = {sobject: list(wants.values()) for sobject, wants in by_sobject.items()}
        yield from self._read(listed, found)
        return found

    def _read(self, by_sobject: Mapping[str, list[Want]], found: Found) -> Routine[None]:
        for sobject, wants in by_sobject.items():
            part = yield from Reader(self._known(sobject), self.lookups).find(wants)
            found.rows.update(part.rows)
            found.problems.extend(part.problems)

    def _read_members(
        self, scopes: Sequence[Scope], declared: Mapping[ResourceKey, ResourceKey], found: Found
    ) -> Routine[None]:
        by_shape: dict[tuple[str, ...], list[Scope]] = {}
        for scope in scopes:
            by_shape.setdefault(tuple(scope.identity), []).append(scope)
        for group in by_shape.values():
            sobject, template = self.member_template(group[0])
            reader = Reader(self._known(sobject), self.lookups)
            rows = yield from reader.members([scope.identity for scope in group], template)
            by_owner = {self.owner_of(scope.identity): scope.owner for scope in group}
            for row in rows:
                owner = by_owner.get(self.owner_of(row.identity))
                if owner is None or not self.is_listed(row.identity):
                    continue
                key = self.key_of(row.identity)
                key = declared.get(fold_key(key), key)
                live = LiveRow(key, row.record_id, row.identity, row.fields, row.modified)
                found.rows[live.key] = live
                found.members.setdefault(owner, []).append(live)

    def owner_of(self, identity: Mapping[str, Value]) -> ResourceKey | None:
        """The owner that a row belongs to, for kinds whose rows can be scoped by `exactly`."""
        return None

    def is_listed(self, identity: Mapping[str, Value]) -> bool:
        """Whether a live row is of the sort that `exactly` lists; others under the owner are left alone."""
        return True

    def member_template(self, scope: Scope) -> tuple[str, Want]:
        """The sObject of a scope's members, and a Want that says how their identity and fields are named."""
        raise NotImplementedError(f"{self.name} has no exact scopes")

    def key_of(self, identity: Mapping[str, Value]) -> ResourceKey:
        """The key of a live row that no file names."""
        raise NotImplementedError(f"{self.name} has no exact scopes")

    def read_whole(self, rows: Sequence[LiveRow], sobject: str) -> Routine[Found]:
        info = self._known(sobject)
        fields = [
            field
            for field in info.fields.values()
            if field.createable and field.type not in ("address", "location", "base64", "id")
        ]
        by_id = {row.record_id[:15]: row for row in rows}
        queries = [
            soql.select(sobject, ["Id", *(field.name for field in fields)], [soql.is_in("Id", chunk)])
            for chunk in soql.chunks(soql.literal(row.record_id) for row in rows)
        ]
        found = Found()
        raws = [raw for answer in (yield queries) for raw in answer]
        references = [field for field in fields if field.reference_to]
        ids = [raw[field.name] for field in references for raw in raws if raw[field.name]]
        yield from self.lookups.name_ids(ids)
        for raw in raws:
            live = by_id[raw["Id"][:15]]
            values: dict[str, Value] = {}
            for field in fields:
                if raw[field.name] is None or self.is_default(field, raw[field.name]):
                    continue
                if field.name in live.identity:
                    values[field.name] = live.identity[field.name]
                elif field.name in live.fields:
                    values[field.name] = live.fields[field.name]
                elif field.reference_to:
                    values[field.name] = self.lookups.named(
                        raw[field.name], target_of(field, raw[field.name])
                    )
                else:
                    values[field.name] = self._masked(live_value(field, raw[field.name]))
            found.rows[live.key] = LiveRow(
                live.key, live.record_id, live.identity, values, live.modified, live.modified_by
            )
        return found

    def _masked(self, value: Value) -> Value:
        """A value that is a secret of this run goes by its name: what is read whole is stored."""
        for name, secret in self.secrets.items():
            if value == secret:
                return Secret(name)
        return value

    def is_default(self, field: FieldInfo, raw: Any) -> bool:
        """Whether a new row has this value anyway, so that it need not be kept to make the row again."""
        return False

    # ── diffing and undoing ──────────────────────────────────────────────────────────────────

    def changes(self, resource: Resource, live: LiveRow) -> dict[str, Value]:
        info = self._known(resource.sobject)
        changed: dict[str, Value] = {}
        for name, desired in resource.fields.items():
            value = live.fields[name]
            if value == desired and type(value) is type(desired):
                continue
            if type(desired) is Secret:
                if self._is_secret(value, desired):
                    continue
            elif same(info.field(name), value, desired):
                continue
            changed[name] = desired
        if resource.was is not None and live.key != resource.key:
            changed |= {
                name: value for name, value in resource.identity.items() if live.identity.get(name) != value
            }
        return changed

    def _is_secret(self, value: Value, secret: Secret) -> bool:
        return str(value if value is not None else "") == self.secrets.get(secret.name, "")

    def remarks(self, resource: Resource, live: LiveRow) -> Iterable[str]:
        return ()

    def creation_defaults(self, resources: Sequence[Resource]) -> Routine[None]:
        return
        yield []

    def check(self, resource: Resource, live: LiveRow | None, changed: Fields) -> list[Problem]:
        info = self._known(resource.sobject)
        if live is None:
            return self._check_create(resource, info)
        problems = list(_emptied(resource, info, changed))
        for name in changed:
            field = info.field(name)
            if field is not None and not field.updateable:
                problems.append(
                    Problem(
                        f"'{name}' of {resource.key.address} can be set only when the row is made",
                        resource.origin.source_of(name),
                        "list it under $create_only, or give the row another key to have a new one made",
                    )
                )
        return problems

    def _check_create(self, resource: Resource, info: ObjectInfo) -> list[Problem]:
        problems = list(_emptied(resource, info, {**resource.on_create, **resource.fields}))
        if self.must_exist or not info.createable:
            problems.append(
                Problem(
                    f"{resource.key.address} is not in org {self.org.name}, and {info.name} cannot be made",
                    resource.source,
                    "check the name; Salesforce makes these rows by itself",
                )
            )
        given = {*resource.identity, *resource.fields, *resource.on_create}
        missing = [field.name for field in info.fields.values() if field.required and field.name not in given]
        if missing:
            problems.append(
                Problem(
                    f"{resource.key.address} is new and lacks required fields: {', '.join(sorted(missing))}",
                    resource.source,
                    "add them to the row",
                )
            )
        for name in (*resource.fields, *resource.on_create):
            field = info.field(name)
            if field is not None and not field.createable and field.updateable:
                problems.append(
                    Problem(
                        f"'{name}' of {resource.key.address} can be set only on a row that exists",
                        resource.origin.source_of(name),
                        "leave it out until the row has been made",
                    )
                )
        return problems

    def inverse(self, step: Step) -> Inverse:
        hidden = [name for name, value in (step.before or {}).items() if value == FORMER_VALUE]
        if step.action is Action.UPDATE:
            return self._inverse_of_update(step, hidden)
        if step.action is Action.CREATE:
            back = self._back(step, Action.DELETE, before=step.after, after=None)
            return Inverse(back, Reversibility.EXACT)
        back = self._back(step, Action.CREATE, before=None, after=step.before)
        if self.is_link:
            return Inverse(back, Reversibility.EXACT)
        return Inverse(
            back,
            Reversibility.COMPENSATING,
            "the row is made anew: its id is new, and rows that Salesforce deletes along with it stay gone",
        )

    def _inverse_of_update(self, step: Step, hidden: Sequence[str]) -> Inverse:
        before, after = dict(step.before or {}), dict(step.after or {})
        if not hidden:
            return Inverse(self._back(step, Action.UPDATE, before=after, after=before), Reversibility.EXACT)
        remark = f"the former value of {', '.join(hidden)} is a secret and was not stored"
        for name in hidden:
            before.pop(name)
            after.pop(name)
        if not before:
            return Inverse(None, Reversibility.NONE, remark)
        back = self._back(step, Action.UPDATE, before=after, after=before)
        return Inverse(back, Reversibility.COMPENSATING, remark)

    def _back(self, step: Step, action: Action, *, before: Fields | None, after: Fields | None) -> Step:
        renamed = {
            name: step.after[name] if step.after and name in step.after else value
            for name, value in step.identity.items()
        }
        return Step(
            kind=step.kind,
            sobject=step.sobject,
            key=step.key,
            identity=renamed,
            action=action,
            before=before,
            after=after,
            lane=step.lane,
            reason="undo",
            source=step.source,
        )

    def side_effects(self, step: Step) -> tuple[str, ...]:
        return ()

    def access(self, step: Step) -> Iterable[AccessChange]:
        return ()

    def provides(self, step: Step) -> Iterable[Ref]:
        return ()

    def can_wait(self, sobject: str, field_name: str) -> bool:
        info = self._known(sobject).field(field_name)
        return info is not None and info.nillable and info.updateable

    # ── sending ──────────────────────────────────────────────────────────────────────────────

    def send(self, action: Action, sobject: str, batch: Sequence[Sending]) -> list[Outcome]:
        if action is Action.DELETE:
            return self._send_deletes(batch)
        bodies = [self._body(sending.step.after or {}) for sending in batch]
        outcomes: dict[int, Outcome] = {
            at: body for at, body in enumerate(bodies) if isinstance(body, Refused)
        }
        ready = [at for at in range(len(batch)) if at not in outcomes]
        if action is Action.CREATE:
            records = [body for body in bodies if isinstance(body, dict)]
            answers = self.org.create(sobject, records) if records else []
        else:
            answers = self._send_updates(sobject, [batch[at] for at in ready], [bodies[at] for at in ready])
        outcomes.update(zip(ready, answers, strict=True))
        if action is Action.CREATE:
            self._learn(sobject, batch, outcomes)
        return [outcomes[at] for at in range(len(batch))]

    def _send_updates(
        self, sobject: str, batch: Sequence[Sending], bodies: Sequence[dict[str, Any] | Refused]
    ) -> list[Outcome]:
        alone = len(batch) == 1
        updates = [
            Update(
                sending.live.record_id,
                body,
                unmodified_since=sending.live.modified if alone else None,
            )
            for sending, body in zip(batch, bodies, strict=True)
            if sending.live is not None and isinstance(body, dict)
        ]
        return self.org.update(sobject, updates) if updates else []

    def _send_deletes(self, batch: Sequence[Sending]) -> list[Outcome]:
        ids = [sending.live.record_id for sending in batch if sending.live is not None]
        answers = iter(self.org.delete(batch[0].step.sobject, ids) if ids else [])
        return [Applied("") if sending.live is None else next(answers) for sending in batch]

    def _body(self, fields: Fields) -> dict[str, Any] | Refused:
        """The JSON of one row; look-ups become ids here and nowhere else."""
        body: dict[str, Any] = {}
        for name, value in fields.items():
            if type(value) is Ref:
                record_id = self.lookups.id_of(value)
                if record_id is None:
                    return Refused(
                        "LOOKUP_NOT_FOUND", f"{value}, which {name} names, is not in the org", (name,)
                    )
                body[name] = record_id
            elif type(value) is Secret:
                if value.name not in self.secrets:
                    return Refused(
                        "SECRET_NOT_GIVEN", f"the secret '{value.name}' has no value here", (name,)
                    )
                body[name] = self.secrets[value.name]
            else:
                body[name] = value
        return body

    def _learn(self, sobject: str, batch: Sequence[Sending], outcomes: Mapping[int, Outcome]) -> None:
        """Rows just made can be looked up by their natural key without asking."""
        for at, sending in enumerate(batch):
            outcome = outcomes[at]
            if isinstance(outcome, Applied):
                identity = sending.step.identity
                if all(not isinstance(value, Ref) for value in identity.values()):
                    self.lookups.learn(Ref(sobject, tuple(sorted(identity.items()))), outcome.record_id)


def _token(field: FieldInfo | None, value: Value) -> Value:
    """What a key's value is compared by."""
    if type(value) is Ref:
        return fold_ref(value)
    return value if field is not None and field.case_sensitive else fold(value)


def _emptied(resource: Resource, info: ObjectInfo, fields: Fields) -> Iterable[Problem]:
    for name, value in fields.items():
        field = info.field(name)
        if value is None and field is not None and not field.nillable:
            yield Problem(
                f"'{name}' of {resource.key.address} must not be empty",
                resource.origin.source_of(name),
                "give it a value, or leave it out",
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


def _no_such_field(info: ObjectInfo, name: str, where: Any) -> Problem:
    names = [field.name for field in info.fields.values()]
    names += [field.relationship for field in info.relationships.values() if field.relationship]
    folded = {each.lower(): each for each in names}
    near = difflib.get_close_matches(name.lower(), folded, 1, 0.7)
    return Problem(
        f"{info.name} has no field '{name}', or hides it from this user",
        where,
        f"did you mean '{folded[near[0]]}'?"
        if near
        else "check the API name and the user's field permissions",
    )


def _samples(before: Fields, after: Fields) -> dict[str, tuple[Value, ...]]:
    """The values that each touched field may be compared with."""
    samples: dict[str, tuple[Value, ...]] = {name: (value,) for name, value in before.items()}
    for name, value in after.items():
        samples[name] = (*samples.get(name, ()), value)
    return samples


def _both(
    first: Mapping[str, tuple[Value, ...]], second: Mapping[str, tuple[Value, ...]]
) -> dict[str, tuple[Value, ...]]:
    return {name: (*first.get(name, ()), *second.get(name, ())) for name in (*first, *second)}
