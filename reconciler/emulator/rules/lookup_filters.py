"""Lookup filters: which rows a reference may point to.

A required filter refuses a reference to any other row, an optional one only suggests. It is asked when the
reference, or a field of the row that the filter compares with, is written. Administrators are asked too,
unless the filter lets them off.

Source: Salesforce Help, "Lookup Filters"; Metadata API Developer Guide, "LookupFilter". That only written
references are asked, and the text where the filter has none, are not verified.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..metadata_xml import BadXml, child, flag, parse, text
from ..schema import Field, SObject
from .conditions import SOURCE, USER, Condition, read_condition

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..tables import Table
    from ..writes import Transaction

SAID = "Value does not exist or does not match filter criteria."
FILTERED = (
    "SELECT full_name, xml FROM _components WHERE type = 'CustomField' "
    "AND instr(xml, CAST('lookupFilter' AS BLOB)) ORDER BY full_name"
)


class FilterNotMatched(ApiError):
    code = "FIELD_FILTER_VALIDATION_EXCEPTION"


@dataclass(frozen=True)
class LookupFilter:
    field: Field
    condition: Condition
    message: str

    def check(
        self,
        tx: "Transaction",
        table: "Table",
        number: int | None,
        new: Mapping[str, Any],
        old: Mapping[str, Any],
    ) -> None:
        """Raises `FilterNotMatched` for a reference to a row that the filter leaves out."""
        from ..formula.records import Record, World

        wanted = new.get(self.field.name)
        if wanted is None or (old and not self._moved(new, old)):
            return
        world = World(tx.org, tx.user)
        rows = {SOURCE: Record(world, table, new), USER: world.row(tx.user), "": world.row(wanted)}
        if not self.condition.holds(rows):
            raise FilterNotMatched(self.message, fields=[self.field.name])

    def _moved(self, new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
        places = [place for item in self.condition.items for place in (item.place, item.other) if place]
        own = {(each.steps or (each.field,))[0].name for each in places if each.root == SOURCE}
        return any(new.get(name) != old.get(name) for name in {self.field.name, *own})


def read(org: "EmulatedOrg") -> Iterator[tuple[str, LookupFilter]]:
    """The required filters of an org that can be evaluated, with the object of each."""
    for _, sobject, made in _each(org):
        if made is not None:
            yield sobject.name, made


def unread(org: "EmulatedOrg") -> list[str]:
    """A line for each filter that cannot be evaluated, and so refuses nothing."""
    why = "lookup filter that names what is not emulated"
    return [f"{name}: {why}" for name, _, made in _each(org) if made is None]


def _each(org: "EmulatedOrg") -> Iterator[tuple[str, SObject, LookupFilter | None]]:
    for full_name, xml in org.store.execute(FILTERED):
        owner, _, name = full_name.partition(".")
        sobject = org.schema.get(owner)
        field = sobject.field(name) if sobject else None
        try:
            told = child(parse(xml)[1], "lookupFilter")
        except BadXml:
            continue
        asked = told and flag(told, "active") and not flag(told, "isOptional")
        target = org.schema.get(field.reference_to[0]) if field and field.reference_to else None
        if not asked or sobject is None or field is None or target is None:
            continue
        roots = {SOURCE: sobject, USER: org.schema["User"], "": target}
        condition = read_condition(org.schema, roots, told, "filterItems")
        message = text(told, "errorMessage") or SAID
        yield full_name, sobject, None if condition is None else LookupFilter(field, condition, message)
