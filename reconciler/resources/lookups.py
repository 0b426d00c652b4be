"""Natural keys to record ids and back, asked in batches and remembered for the length of a run.

A key matches without regard to case, as SOQL compares text. Two rows for one key are an error that
names both: a look-up never picks one. Some rows are named the same way in every org and are turned
back from ids to keys: users by Username, groups and queues by DeveloperName and Type, profiles by
Name, roles, permission sets and record types by theirs.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.model.errors import AmbiguousKey, Problem
from reconciler.model.promises import Routine, Row
from reconciler.model.values import Ref, Scalar, Value, make_ref

from . import soql
from .api_names import meant
from .fields import as_told
from .key_types import KeyTypes, NoSuchField

THIS_ORG = Ref("Organization", ())
"""The org itself, as the owner of a custom setting's default."""

NAMED_BY: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "005": ("User", "User", ("Username",)),
    "00G": ("Group", "Group", ("DeveloperName", "Type")),
    "00e": ("Profile", "Profile", ("Name",)),
    "00E": ("UserRole", "UserRole", ("DeveloperName",)),
    "0PS": ("PermissionSet", "PermissionSet", ("Name",)),
    "0PG": ("PermissionSetGroup", "PermissionSetGroup", ("DeveloperName",)),
    "0PL": ("PermissionSetLicense", "PermissionSetLicense", ("DeveloperName",)),
    "012": ("RecordType", "RecordType", ("DeveloperName", "SobjectType")),
    "0CP": ("CustomPermission", "CustomPermission", ("DeveloperName",)),
    "01p": ("ApexClass", "ApexClass", ("Name",)),
    "066": ("ApexPage", "ApexPage", ("Name",)),
}
"""Key prefix -> sObject and the fields that name its rows in every org. Source: Object Reference."""

DEFAULT_KEY: Mapping[str, tuple[str, ...]] = {sobject: fields for sobject, _, fields in NAMED_BY.values()}

KEPT_BESIDE: Mapping[str, str] = {"PermissionSet": "PermissionSetGroupId"}
"""Object -> the field that is filled in rows which Salesforce keeps beside those that people name: the
permission set behind a group bears the group's name, which a permission set may have too."""

LIKE_A_DATE = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[-+]\d\d:?\d\d))?\Z", re.ASCII)


def named_rows(sobject: str, prefix: str = "") -> list[str]:
    """Conditions that leave out `KEPT_BESIDE`; ``prefix`` is the path to the object."""
    field = KEPT_BESIDE.get(sobject)
    return [] if field is None else [f"{soql.name(prefix + field)} = null"]


def fold(value: Value) -> Value:
    """The form under which two keys are one."""
    return as_told(value).casefold() if isinstance(value, str) else value


def fold_ref(ref: Ref) -> Ref:
    return Ref(ref.sobject, tuple((path, fold(value)) for path, value in ref.key))


def id_ref(sobject: str, record_id: str) -> Ref:
    """A row that has no natural key in reach. Means something in this org only."""
    return make_ref(sobject, {"Id": record_id[:15] if len(record_id) == 18 else record_id})


def at_path(row: Row, path: str) -> Any:
    """The value at the end of ``path``; None where a parent on the way is missing."""
    value: Any = row
    for part in path.split("."):
        if value is None:
            return None
        value = value.get(part)
    return value


class LookupTable:
    """Keeps the promise `model.promises.Lookups`. Costs a query per 2,000 keys of one shape."""

    def __init__(self, org_id: str, types: KeyTypes) -> None:
        self.types = types
        self._ids: dict[Ref, str] = {fold_ref(THIS_ORG): org_id}
        self._named: dict[str, Ref] = {org_id[:15]: THIS_ORG}
        self._now: dict[Ref, Ref] = {}
        self._former: dict[Ref, Ref] = {}

    def rename(self, former: Ref, now: Ref) -> None:
        """From here on both keys mean one row, whichever of them it bears; `now` is the one that is told."""
        self._now[fold_ref(former)] = now
        self._former[fold_ref(now)] = former

    def now(self, ref: Ref) -> Ref:
        """``ref``, or the new key of a row that is renamed."""
        return self._now.get(fold_ref(ref), ref) if self._now else ref

    def keys(self, ref: Ref) -> tuple[Ref, ...]:
        """``ref`` and the other key of a row that is renamed."""
        if not self._now:
            return (ref,)
        folded = fold_ref(ref)
        other = self._now.get(folded) or self._former.get(folded)
        return (ref,) if other is None else (ref, other)

    def find(self, refs: Iterable[Ref]) -> Routine[None]:
        wanted: dict[tuple[str, tuple[str, ...]], dict[Ref, Ref]] = {}
        for ref in [key for each in refs for key in self.keys(each)]:
            folded = fold_ref(ref)
            if folded in self._ids or (ref.key and ref.key[0][0] == "Id"):
                continue
            wanted.setdefault((ref.sobject, tuple(path for path, _ in ref.key)), {})[folded] = ref
        asked: list[tuple[str, tuple[str, ...]]] = []
        queries: list[str] = []
        for (sobject, paths), same_shape in wanted.items():
            for query in self._queries(sobject, paths, list(same_shape.values())):
                asked.append((sobject, paths))
                queries.append(query)
        if not queries:
            return
        several: dict[Ref, list[str]] = {}
        for (sobject, paths), rows in zip(asked, (yield queries), strict=True):
            self._learn_rows(sobject, paths, rows, wanted[sobject, paths], several)
        if several:
            raise AmbiguousKey(
                *(_several_rows(ref, ids) for ref, ids in several.items()), keys=tuple(several)
            )

    def _queries(self, sobject: str, paths: tuple[str, ...], refs: list[Ref]) -> list[str]:
        """Queries that together find all ``refs``: the longest column is cut, the others filter along."""
        columns = [
            list(dict.fromkeys(self.literal(sobject, path, ref.key[at][1]) for ref in refs))
            for at, path in enumerate(paths)
        ]
        longest = max(range(len(paths)), key=lambda at: len(columns[at]))
        others = [
            soql.is_in(path, columns[at])
            for at, path in enumerate(paths)
            if at != longest and sum(map(len, columns[at])) < soql.MAX_CHARACTERS // 10
        ]
        return [
            soql.select(
                sobject, ["Id", *paths], [soql.is_in(paths[longest], chunk), *others, *named_rows(sobject)]
            )
            for chunk in soql.chunks(columns[longest])
        ]

    def literal(self, sobject: str, path: str, value: Value) -> str:
        """The value of a key as SOQL writes it: dates bare, as only the field's type can tell."""
        scalar = _scalar(value)
        if isinstance(scalar, str) and LIKE_A_DATE.match(scalar):
            try:
                field = self.types.field(sobject, path)
            except NoSuchField:
                field = None  # the org says so when it is asked
            if field is not None and field.type in ("date", "datetime"):
                return str(as_told(scalar))
        return soql.literal(scalar)

    def _learn_rows(
        self,
        sobject: str,
        paths: tuple[str, ...],
        rows: Iterable[Row],
        wanted: Mapping[Ref, Ref],
        several: dict[Ref, list[str]],
    ) -> None:
        """``several`` gets the ids of rows that answer to one key."""
        for row in rows:
            ref = Ref(sobject, tuple((path, fold(at_path(row, path))) for path in paths))
            if ref not in wanted:
                continue
            known = self._ids.get(ref)
            if known is not None and known != row["Id"]:
                several.setdefault(wanted[ref], [known]).append(row["Id"])
                continue
            self._ids[ref] = row["Id"]

    def near(self, refs: Mapping[Ref, Sequence[str]]) -> Routine[Mapping[Ref, str]]:
        fields = {ref.sobject: DEFAULT_KEY[ref.sobject][0] for ref in refs if ref.sobject in DEFAULT_KEY}
        queries = [
            soql.select(sobject, [field], named_rows(sobject), limit=soql.MAX_KEYS)
            for sobject, field in fields.items()
        ]
        answers = (yield queries) if queries else []
        known = {
            sobject: [str(row[field]) for row in rows if row[field]]
            for (sobject, field), rows in zip(fields.items(), answers, strict=True)
        }
        found: dict[Ref, str] = {}
        for ref, others in refs.items():
            word = dict(ref.key).get(fields.get(ref.sobject, ""))
            name = meant(str(word), [*others, *known[ref.sobject]]) if word is not None else None
            if name is not None:
                found[ref] = name
        return found

    def id_of(self, ref: Ref) -> str | None:
        if ref.key and ref.key[0][0] == "Id":
            return str(ref.key[0][1])
        return next((self._ids[key] for each in self.keys(ref) if (key := fold_ref(each)) in self._ids), None)

    def learn(self, ref: Ref, record_id: str) -> None:
        self._ids[fold_ref(ref)] = record_id

    def forget(self, ref: Ref) -> None:
        self._ids.pop(fold_ref(ref), None)

    def name_ids(self, record_ids: Iterable[str]) -> Routine[None]:
        """Find the natural keys of rows known by id; `named` answers for them afterwards."""
        by_prefix: dict[str, list[str]] = {}
        for record_id in dict.fromkeys(record_ids):
            if record_id[:15] not in self._named and record_id[:3] in NAMED_BY:
                by_prefix.setdefault(record_id[:3], []).append(record_id)
        queries = []
        prefixes = []
        for prefix, ids in by_prefix.items():
            sobject, _, fields = NAMED_BY[prefix]
            for chunk in soql.chunks(soql.literal(each) for each in ids):
                queries.append(soql.select(sobject, ["Id", *fields], [soql.is_in("Id", chunk)]))
                prefixes.append(prefix)
        if not queries:
            return
        for prefix, rows in zip(prefixes, (yield queries), strict=True):
            sobject, _, fields = NAMED_BY[prefix]
            for row in rows:
                ref = make_ref(sobject, {path: row[path] for path in fields})
                self._named[row["Id"][:15]] = ref
                self._ids[fold_ref(ref)] = row["Id"]

    def named(self, record_id: str, sobject: str) -> Ref:
        """The natural key of ``record_id``, or a reference by id where it has none."""
        named = self._named.get(record_id[:15])
        return id_ref(sobject, record_id) if named is None else self.now(named)


def _several_rows(ref: Ref, ids: list[str]) -> Problem:
    count = "two" if len(ids) == 2 else str(len(ids))
    told = " and ".join(ids[:2]) if len(ids) == 2 else ", ".join(ids[:5])
    return Problem(
        f"{count} rows answer to {ref}: {told}",
        mend="look it up by a field that is unique, or merge the rows",
    )


def _scalar(value: Value) -> Scalar:
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    raise TypeError(f"a natural key must be plain text or a number, not {value!r}")
