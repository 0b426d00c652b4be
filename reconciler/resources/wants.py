"""Reading live rows by natural key: from wanted rows to queries, and from answers to live rows.

Wanted rows of one sObject whose keys have the same shape share queries: one column of the key goes
into an IN list, cut to what a page holds, the others filter along, and what the cross product adds
is dropped here. Look-ups are read through their relationship (`Account__r.Code__c`), so that
comparing needs no ids. Where a field may point to several objects, or has no relationship to read
through (`ParentRoleId` of a role), the ids are compared and turned back into natural keys.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.describe import FieldInfo, ObjectInfo
from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey
from reconciler.model.promises import Found, Routine, Row
from reconciler.model.source import SourceRef
from reconciler.model.state import LiveRow
from reconciler.model.values import Ref, Value, make_ref

from . import soql
from .fields import as_told, live_value
from .lookups import NAMED_BY, LookupTable, at_path, fold, id_ref, named_rows

STAMPS = ("LastModifiedDate", "LastModifiedById")


@dataclass(slots=True)
class Want:
    """A row to find. ``fields``: name -> values it may be compared with, which say how a look-up is named."""

    key: ResourceKey
    identity: Mapping[str, Value]
    fields: Mapping[str, tuple[Value, ...]]
    source: SourceRef | None = None


@dataclass(slots=True)
class Column:
    """One field of a query: where its value stands in a row, and how it is told."""

    info: FieldInfo
    shapes: dict[tuple[str, tuple[str, ...]], None] = field(default_factory=dict)
    """Look-ups: the sObject and key paths under which parents are named."""

    @property
    def by_id(self) -> bool:
        return compared_by_id(self.info)

    @property
    def is_loose(self) -> bool:
        """Whether it is a look-up that is read as an id and named afterwards."""
        return bool(self.info.reference_to) and self.by_id

    def paths(self) -> Iterable[str]:
        yield self.info.name
        if not self.by_id:
            for _, paths in self.shapes:
                for path in paths:
                    if path != "Id":
                        yield f"{self.info.relationship}.{path}"

    def add(self, value: Value) -> None:
        if type(value) is Ref:
            self.shapes[value.sobject, tuple(path for path, _ in value.key)] = None


class Reader:
    """Reads rows of one sObject. Costs one query per 2,000 keys of one shape."""

    def __init__(self, info: ObjectInfo, lookups: LookupTable) -> None:
        self.info = info
        self.lookups = lookups
        self._stamps = [stamp for stamp in STAMPS if info.field(stamp)]

    def find(self, wants: Sequence[Want]) -> Routine[Found]:
        """The rows of ``wants``; a key the org lacks is absent, one that two rows hold is a problem."""
        found = Found()
        yield from self.lookups.find(self._loose_refs(wants))
        groups: dict[tuple[str, ...], list[Want]] = {}
        for want in wants:
            groups.setdefault(_shape(want.identity), []).append(want)
        asked: list[tuple[list[Want], dict[str, Column]]] = []
        queries: list[str] = []
        for group in groups.values():
            columns = self._columns(group)
            for query in self._key_queries(group, columns):
                asked.append((group, columns))
                queries.append(query)
        if not queries:
            return found
        answers = yield queries
        strays: list[tuple[Want, Row]] = []
        may_stray = any(column.is_loose for _, columns in asked for column in columns.values())
        indexes: dict[int, dict[tuple[Any, ...], list[Want]]] = {}
        seen: dict[ResourceKey, str] = {}
        for (group, columns), rows in zip(asked, answers, strict=True):
            index = indexes.get(id(group))
            if index is None:
                index = indexes[id(group)] = self._index(group)
            names = list(group[0].identity)
            shapes = [(columns[name], group[0].identity[name]) for name in names]
            for row in rows:
                token = tuple([self._token(column, sample, row) for column, sample in shapes])
                for want in index.get(token, ()):
                    other = seen.setdefault(want.key, row["Id"])
                    if other != row["Id"]:
                        found.problems.append(_two_rows(want, other, row["Id"]))
                        continue
                    found.rows[want.key] = self._live(want, row, columns)
                    if may_stray:
                        strays.append((want, row))
        yield from self._name_strays(strays, found)
        return found

    def members(self, owners: Sequence[Mapping[str, Value]], template: Want) -> Routine[list[LiveRow]]:
        """All rows under ``owners`` (what their identities share), named as ``template`` names them."""
        yield from self.lookups.find(self._loose_refs([Want(template.key, owner, {}) for owner in owners]))
        columns = self._columns([template])
        name = next(iter(owners[0]))
        column = columns[name]
        conditions = self._named_parents(owners[0][name], column)
        queries = []
        for clause, chunk in self._clauses(column, [owner[name] for owner in owners]):
            paths = ["Id", *self._stamps, *(path for each in columns.values() for path in each.paths())]
            queries.append(soql.select(self.info.name, paths, [soql.is_in(clause, chunk), *conditions]))
        answers = yield queries
        rows = [row for answer in answers for row in answer]
        loose = [column for column in columns.values() if column.is_loose]
        yield from self.lookups.name_ids(
            row[column.info.name] for column in loose for row in rows if row[column.info.name]
        )
        return [self._live(template, row, columns, identity=True) for row in rows]

    def _columns(self, wants: Iterable[Want]) -> dict[str, Column]:
        columns: dict[str, Column] = {}
        for want in wants:
            for name, value in want.identity.items():
                column = columns.get(name)
                if column is None:
                    column = columns[name] = Column(self._field(name))
                if type(value) is Ref:
                    column.add(value)
            for name, samples in want.fields.items():
                column = columns.get(name)
                if column is None:
                    column = columns[name] = Column(self._field(name))
                if column.info.reference_to:
                    for sample in samples:
                        column.add(sample)
        return columns

    def _field(self, name: str) -> FieldInfo:
        info = self.info.field(name)
        if info is None:
            raise KeyError(f"{self.info.name} has no field {name}")
        return info

    def _loose_refs(self, wants: Iterable[Want]) -> list[Ref]:
        """Look-ups in fields that may point to several objects; they are compared by id."""
        refs = []
        for want in wants:
            for name, value in want.identity.items():
                if type(value) is Ref and compared_by_id(self._field(name)):
                    refs.append(value)
            for name, samples in want.fields.items():
                for value in samples:
                    if type(value) is Ref and compared_by_id(self._field(name)):
                        refs.append(value)
        return refs

    def _key_queries(self, wants: Sequence[Want], columns: Mapping[str, Column]) -> Iterable[str]:
        paths = ["Id", *self._stamps, *(path for column in columns.values() for path in column.paths())]
        names = list(wants[0].identity)
        if not names:
            return
        clauses: list[list[tuple[str, list[str]]]] = []
        for name in names:
            values = dict.fromkeys(want.identity[name] for want in wants)
            clauses.append(list(self._clauses(columns[name], values)))
        widest = max(range(len(names)), key=lambda at: sum(len(chunk) for _, chunk in clauses[at]))
        others = [
            soql.is_in(*each[0])
            for at, each in enumerate(clauses)
            if at != widest and len(each) == 1 and sum(map(len, each[0][1])) < soql.MAX_CHARACTERS // 10
        ]
        others += named_rows(self.info.name)
        others += [
            each for name in names for each in self._named_parents(wants[0].identity[name], columns[name])
        ]
        for clause, chunk in clauses[widest]:
            yield soql.select(self.info.name, paths, [soql.is_in(clause, chunk), *others])

    def _named_parents(self, sample: Value, column: Column) -> list[str]:
        """See `lookups.named_rows`; where a parent's id is known there is no doubt."""
        if type(sample) is not Ref or column.by_id or sample.key[0][0] == "Id":
            return []
        return named_rows(sample.sobject, f"{column.info.relationship}.")

    def _clauses(self, column: Column, values: Iterable[Value]) -> Iterable[tuple[str, list[str]]]:
        """Path and literals that find rows by this column, cut to what a query holds."""
        info = column.info
        literals: list[str] = []
        path = info.name
        for value in values:
            if type(value) is Ref:
                if column.by_id or value.key[0][0] == "Id":
                    record_id = self.lookups.id_of(value)
                    if record_id is not None:
                        literals.append(soql.literal(record_id))
                    continue
                path = f"{info.relationship}.{value.key[0][0]}"
                for ref in self.lookups.keys(value):
                    literals.append(self.lookups.literal(value.sobject, *ref.key[0]))
            else:
                literals.append(_filter_literal(info, value))
        for chunk in soql.chunks(dict.fromkeys(literals)):
            yield path, chunk

    def _index(self, wants: Iterable[Want]) -> dict[tuple[Any, ...], list[Want]]:
        index: dict[tuple[Any, ...], list[Want]] = {}
        for want in wants:
            token = tuple([self._wanted_token(name, value) for name, value in want.identity.items()])
            index.setdefault(token, []).append(want)
        return index

    def _wanted_token(self, name: str, value: Value) -> Any:
        info = self._field(name)
        if type(value) is Ref:
            if compared_by_id(info) or value.key[0][0] == "Id":
                record_id = self.lookups.id_of(value)
                return None if record_id is None else record_id[:15]
            return tuple([fold(part) for _, part in self.lookups.now(value).key])
        return value if info.case_sensitive else fold(value)

    def _token(self, column: Column, sample: Value, row: Row) -> Any:
        info = column.info
        if type(sample) is Ref:
            if column.by_id or sample.key[0][0] == "Id":
                record_id = row[info.name]
                return record_id and record_id[:15]
            parent = row[info.relationship or ""]
            if parent is None:
                return None
            live = Ref(sample.sobject, tuple([(path, at_path(parent, path)) for path, _ in sample.key]))
            return tuple([fold(part) for _, part in self.lookups.now(live).key])
        value = live_value(info, row[info.name])
        return value if info.case_sensitive else fold(value)

    def _live(
        self, want: Want, row: Row, columns: Mapping[str, Column], *, identity: bool = False
    ) -> LiveRow:
        fields = {name: self._value(columns[name], samples, row) for name, samples in want.fields.items()}
        named = (
            {name: self._value(columns[name], (value,), row) for name, value in want.identity.items()}
            if identity
            else want.identity
        )
        return LiveRow(
            want.key, row["Id"], named, fields, row.get("LastModifiedDate"), row.get("LastModifiedById")
        )

    def _value(self, column: Column, samples: tuple[Value, ...], row: Row) -> Value:
        info = column.info
        raw = row[info.name]
        if not info.reference_to:
            return live_value(info, raw)
        if raw is None:
            return None
        refs = [sample for sample in samples if type(sample) is Ref]
        if column.by_id:
            for ref in refs:
                if (self.lookups.id_of(ref) or "")[:15] == raw[:15]:
                    return ref
            return self.lookups.named(raw, target_of(info, raw))
        parent = row.get(info.relationship or "") or {}
        for ref in refs:
            if ref.key[0][0] == "Id":
                if ref.key[0][1] == raw[:15]:
                    return ref
            elif any(_is_parent(parent, each) for each in self.lookups.keys(ref)):
                return ref
        for _, paths in column.shapes:
            if paths and paths[0] != "Id" and all(at_path(parent, path) is not None for path in paths):
                key = {path: as_told(at_path(parent, path)) for path in paths}
                return self.lookups.now(make_ref(info.reference_to[0], key))
        return id_ref(info.reference_to[0], raw)

    def _name_strays(self, strays: Sequence[tuple[Want, Row]], found: Found) -> Routine[None]:
        """Turn look-ups held by id into natural keys, where the rows they name have one in every org."""
        ids = set()
        for want, row in strays:
            for name, value in found.rows[want.key].fields.items():
                if _is_id(value) and value not in want.fields[name]:
                    ids.add(row[name])
        if not ids:
            return
        yield from self.lookups.name_ids(ids)
        for want, row in strays:
            live = found.rows[want.key]
            renamed = {
                name: self.lookups.named(row[name], target_of(self._field(name), row[name]))
                for name, value in live.fields.items()
                if _is_id(value) and row[name] in ids
            }
            if renamed:
                found.rows[want.key] = LiveRow(
                    live.key,
                    live.record_id,
                    live.identity,
                    {**live.fields, **renamed},
                    live.modified,
                    live.modified_by,
                )


def _is_id(value: Value) -> bool:
    return type(value) is Ref and bool(value.key) and value.key[0][0] == "Id"


def _is_parent(parent: Row, ref: Ref) -> bool:
    return all(fold(at_path(parent, path)) == fold(part) for path, part in ref.key)


def compared_by_id(info: FieldInfo) -> bool:
    """Whether look-ups of this field cannot be read through a relationship to one object."""
    return len(info.reference_to) != 1 or info.relationship is None


def _shape(identity: Mapping[str, Value]) -> tuple[str, ...]:
    """Keys of one shape can share a query: the same fields, look-ups named by the same paths."""
    return tuple(
        f"{name}:{value.sobject}:{','.join(path for path, _ in value.key)}" if type(value) is Ref else name
        for name, value in identity.items()
    )


def _filter_literal(info: FieldInfo, value: Value) -> str:
    if info.type in ("date", "datetime") and isinstance(value, str):
        return value  # SOQL writes dates without quotes; the canonical form is its own
    if isinstance(value, str | int | float | bool) or value is None:
        return soql.literal(value)
    raise TypeError(f"cannot be filtered by: {value!r}")


def target_of(info: FieldInfo, record_id: str) -> str:
    """The object that ``record_id`` is of, where the field may point to several."""
    if record_id[:3] in NAMED_BY:
        return NAMED_BY[record_id[:3]][0]
    return info.reference_to[0] if info.reference_to else "Name"


def _two_rows(want: Want, first: str, second: str) -> Problem:
    return Problem(
        f"two live rows answer to {want.key.address}: {first} and {second}",
        want.source,
        "choose a $key that is unique, give the rows different keys, or merge them",
    )
