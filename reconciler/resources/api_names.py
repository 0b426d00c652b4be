"""Names of objects and fields that the org does not know, and what was probably meant.

The usual mistakes are looked for before mere likeness: another case, a missing `__c` or `__r`, the
prefix of a package left out or put in front. A letter of another alphabet that looks like a Latin one is
named, because no eye finds it.

What a describe lacks may also be hidden from the user who asks: a field that was just deployed is seen by
nobody until a permission set says so. Where a state grants rights, `EntityDefinition` and
`FieldDefinition` have the second word.

Source: Object Reference, "EntityDefinition", "FieldDefinition"; that these rows are told although the
user has no right to what they define was not verified.
"""

import difflib
from collections.abc import Iterable

from reconciler.model.describe import FieldInfo, ObjectInfo
from reconciler.model.errors import OrgError, Problem
from reconciler.model.promises import OrgClient
from reconciler.model.source import SourceRef
from reconciler.spec.typed import strange_letters

from . import soql

SUFFIXES = ("__c", "__r", "__mdt", "__e")
LIKENESS = 0.7


def meant(word: str, names: Iterable[str]) -> str | None:
    """The name that ``word`` was probably meant to be."""
    folded = {each.lower(): each for each in names}
    low = word.lower()
    for guess in (low, *(low + suffix for suffix in SUFFIXES), low.partition("__")[2]):
        if guess and guess in folded:
            return folded[guess]
    ends = (f"__{low}", *(f"__{low}{suffix}" for suffix in SUFFIXES))
    for known, name in folded.items():
        if known.endswith(ends):
            return name
    near = difflib.get_close_matches(low, folded, 1, LIKENESS)
    return folded[near[0]] if near else None


def mend_for(word: str, names: Iterable[str], otherwise: str) -> str:
    """``did you mean …?``, or ``otherwise``; with the letters that no API name can have."""
    name = meant(word, names)
    mend = f"did you mean '{name}'?" if name is not None else otherwise
    return mend + strange_letters(word)


def no_such_object(org: OrgClient, name: str, where: SourceRef) -> Problem:
    """Costs a call for the names of all objects."""
    try:
        names = org.object_names()
    except OrgError:
        names = ()  # the mistake is worth more than the mend
    otherwise = "check the API name, custom objects end in __c; or give the user access to it"
    return Problem(
        f"org {org.name} has no object '{name}', or hides it from this user",
        where,
        mend_for(name, names, otherwise),
    )


def no_such_field(info: ObjectInfo, name: str, where: SourceRef) -> Problem:
    names = [field.name for field in info.fields.values()]
    names += [field.relationship for field in info.relationships.values() if field.relationship]
    return Problem(
        f"{info.name} has no field '{name}', or hides it from this user",
        where,
        mend_for(name, names, "check the API name and the user's field permissions"),
    )


class Granted:
    """Looks at the objects and fields that rights are given on. Asks the org once a name."""

    def __init__(self, org: OrgClient) -> None:
        self.org = org
        self._objects: dict[str, ObjectInfo | None] = {}

    def object_problem(self, name: str, where: SourceRef) -> Problem | None:
        info = self._described(name)
        if (info is not None and info.name == name) or self._is_hidden_object(info, name):
            return None
        return no_such_object(self.org, name, where)

    def queue_problem(self, name: str, where: SourceRef) -> Problem | None:
        """Whether a queue may own rows of the object ``name``."""
        problem = self.object_problem(name, where)
        info = self._described(name)
        if problem is not None or info is None:
            return problem
        owner = info.field("OwnerId")
        if owner is not None and "Group" in owner.reference_to:
            return None
        return Problem(
            f"a queue cannot own rows of {name}",
            where,
            "leave it out, or choose an object whose owner may be a queue",
        )

    def field_problem(self, path: str, where: SourceRef) -> Problem | None:
        """``path`` is `Object.Field`."""
        owner, _, name = path.partition(".")
        problem = self.object_problem(owner, where)
        info = self._described(owner)
        if problem is not None or info is None:
            return problem
        field = info.field(name)
        if field is None:
            self._objects[owner] = info = self.org.refresh([owner]).get(owner, info)
            field = info.field(name)
        if field is None:
            return None if self._is_hidden_field(owner, name) else no_such_field(info, name, where)
        if field.name != name:
            return no_such_field(info, name, where)
        return None if field.permissionable else _not_permissionable(owner, field, where)

    def _described(self, name: str) -> ObjectInfo | None:
        if name not in self._objects:
            info = self.org.describe([name]).get(name)
            self._objects[name] = info or self.org.refresh([name]).get(name)
        return self._objects[name]

    def _is_hidden_object(self, info: ObjectInfo | None, name: str) -> bool:
        return info is None and self._exists(
            soql.select("EntityDefinition", ["QualifiedApiName"], [_is("QualifiedApiName", name)]), name
        )

    def _is_hidden_field(self, owner: str, name: str) -> bool:
        conditions = [_is("EntityDefinition.QualifiedApiName", owner), _is("QualifiedApiName", name)]
        return self._exists(soql.select("FieldDefinition", ["QualifiedApiName"], conditions), name)

    def _exists(self, query: str, name: str) -> bool:
        try:
            (rows,) = self.org.query([query])
        except OrgError:
            return False  # the describe alone has the word
        return any(row["QualifiedApiName"] == name for row in rows)


def _is(path: str, text: str) -> str:
    return soql.is_in(path, [soql.literal(text)])


def _not_permissionable(owner: str, field: FieldInfo, where: SourceRef) -> Problem:
    return Problem(
        f"no right can be given on {owner}.{field.name}: who may see the object may see it",
        where,
        "leave it out: rights go with fields that are not required, master-detail or Salesforce's own",
    )
