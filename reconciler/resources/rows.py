"""What all kinds that are rows of an sObject share: reading, diffing, undoing, sending.

A kind is a subclass that fills in what is particular: its name, lane, fixed describes, what stands
in the way of a delete, which access a row means. The rules here come from the REST API: a row is
made, changed and deleted by sObject Collections, found again by its natural key. What a file's fields
mean is `field_typing`'s, which rows answer to which keys is `wants`'.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from reconciler.model.describe import FieldInfo, ObjectInfo
from reconciler.model.errors import OrgError, Problem
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
from reconciler.model.values import HIDDEN, Fields, Ref, Secret, Value

from . import soql
from .declare import fold_key
from .field_typing import Describes, FieldTyping
from .fields import live_value, same
from .lookups import LookupTable
from .quoting import quoted_error, quoted_outcome
from .wants import Reader, Want, target_of

MADE_ANEW = "the row is made anew: its id is new, and rows that Salesforce deletes along with it stay gone"
FORMER = "former key of"
"""Prefix of the key under which a row's former identity (`$was`) is looked for."""


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

    filled_by_org: ClassVar[frozenset[str]] = frozenset()
    """Fields that Salesforce fills by itself although its describe demands them."""

    def __init__(self, org: OrgClient, lookups: LookupTable, secrets: Mapping[str, str]) -> None:
        self.org = org
        self.lookups = lookups
        self.secrets = secrets
        self.describes = Describes(org, self.fixed)
        self.typing = FieldTyping(self.describes, lookups.types)

    def sobjects(self, resources: Sequence[Resource]) -> set[str]:
        return {resource.sobject for resource in resources} - set(self.fixed)

    def resolve(self, resources: Sequence[Resource]) -> list[Problem]:
        return self.typing.resolve(resources)

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
            part = yield from Reader(self.describes.known(sobject), self.lookups).find(wants)
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
            reader = Reader(self.describes.known(sobject), self.lookups)
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
        info = self.describes.known(sobject)
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
                values[field.name] = self._whole_value(field, raw[field.name], live)
            found.rows[live.key] = LiveRow(
                live.key, live.record_id, live.identity, values, live.modified, live.modified_by
            )
        return found

    def _whole_value(self, field: FieldInfo, raw: Any, live: LiveRow) -> Value:
        """Text as the org has it, which may write a key in another case; look-ups as the files name them."""
        if not field.reference_to:
            value = live_value(field, raw)
            return value if field.name in live.identity else self._masked(value)
        for named in (live.identity, live.fields):
            if field.name in named:
                return named[field.name]
        return self.lookups.named(raw, target_of(field, raw))

    def _masked(self, value: Value) -> Value:
        """A value that is a secret of this run goes by its name: what is read whole is stored."""
        for name, secret in self.secrets.items():
            if str(value) == secret:
                return Secret(name)
        return value

    def is_default(self, field: FieldInfo, raw: Any) -> bool:
        """Whether a new row has this value anyway, so that it need not be kept to make the row again."""
        return False

    # ── diffing and undoing ──────────────────────────────────────────────────────────────────

    def changes(self, resource: Resource, live: LiveRow) -> dict[str, Value]:
        info = self.describes.known(resource.sobject)
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
        info = self.describes.known(resource.sobject)
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
        missing = [
            field.name
            for field in info.fields.values()
            if field.required and field.name not in given and field.name not in self.filled_by_org
        ]
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
        hidden = [name for name, value in (step.before or {}).items() if value == HIDDEN]
        if step.action is Action.UPDATE:
            return self._inverse_of_update(step, hidden)
        if step.action is Action.CREATE:
            back = self._back(step, Action.DELETE, before=step.after, after=None)
            return Inverse(back, Reversibility.EXACT)
        return self._inverse_of_delete(step, hidden)

    def _inverse_of_delete(self, step: Step, hidden: Sequence[str]) -> Inverse:
        """The row made anew with what may be stored; none where the org demands what may not."""
        after = {name: value for name, value in (step.before or {}).items() if name not in hidden}
        back = self._back(step, Action.CREATE, before=None, after=after)
        if hidden:
            info = self.describes.known(step.sobject)
            demanded = [name for name in hidden if (field := info.field(name)) and field.required]
            if demanded:
                why = (
                    f"no row can be made without {', '.join(demanded)}, which is a secret and was not stored"
                )
                return Inverse(None, Reversibility.NONE, why)
            remark = f"{MADE_ANEW}; {', '.join(hidden)} stays empty: it is a secret and was not stored"
            return Inverse(back, Reversibility.COMPENSATING, remark)
        if self.is_link:
            return Inverse(back, Reversibility.EXACT)
        return Inverse(back, Reversibility.COMPENSATING, MADE_ANEW)

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

    def readies(self, step: Step) -> bool:
        return False

    def is_repeatable(self, step: Step) -> bool:
        """Salesforce holds setup rows unique by their natural keys; other kinds say more."""
        return True

    def can_wait(self, sobject: str, field_name: str) -> bool:
        info = self.describes.known(sobject).field(field_name)
        return info is not None and info.nillable and info.updateable

    # ── sending ──────────────────────────────────────────────────────────────────────────────

    def send(self, action: Action, sobject: str, batch: Sequence[Sending]) -> list[Outcome]:
        if not self.secrets:
            return self._send(action, sobject, batch)
        try:
            return [quoted_outcome(each, self.secrets) for each in self._send(action, sobject, batch)]
        except OrgError as error:
            raise quoted_error(error, self.secrets) from None  # the original quotes what it was sent

    def _send(self, action: Action, sobject: str, batch: Sequence[Sending]) -> list[Outcome]:
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


def _emptied(resource: Resource, info: ObjectInfo, fields: Fields) -> Iterable[Problem]:
    for name, value in fields.items():
        field = info.field(name)
        if value is None and field is not None and not field.nillable:
            yield Problem(
                f"'{name}' of {resource.key.address} must not be empty",
                resource.origin.source_of(name),
                "give it a value, or leave it out",
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
