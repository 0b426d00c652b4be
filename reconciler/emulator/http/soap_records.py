"""Records as the partner and enterprise APIs write them, and as clients send them.

The partner API tells a record's type in an element `sf:type`, writes `sf:Id` always and once more where
the query asked for it; the enterprise API tells the type by `xsi:type`. A value that is absent is
`xsi:nil`; in a record that is sent, the names to be emptied stand in `fieldsToNull` instead, and what is
nil says nothing: clients made from the WSDL send each record's `Id`, nil in one that is to be created.

Source: SOAP API Developer Guide, "sObject", "QueryResult"; elements as recorded at API 28.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.emulator.http.soapform import XSI, element, local_name

NIL = f"{{{XSI}}}nil"
TYPE = f"{{{XSI}}}type"
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\+0000")
COMPOUND = {"latitude": "location", "city": "address"}
"""The XML type of a compound value, by a key that only it has; the address has both."""


def is_nil(node: ET.Element) -> bool:
    return node.get(NIL, "").strip() in ("true", "1")


# -- what clients send


def read_record(node: ET.Element) -> tuple[str, dict[str, Any]]:
    """The type of a record and its fields by name; those in `fieldsToNull` are None."""
    kind = node.get(TYPE, "").rpartition(":")[2]
    fields: dict[str, Any] = {}
    for each in node:
        name = local_name(each.tag)
        if name == "type":
            kind = (each.text or "").strip()
        elif name == "fieldsToNull":
            fields[(each.text or "").strip()] = None
        elif not is_nil(each) and not (name == "Id" and not (each.text or "").strip()):
            fields[name] = read_value(each)
    return ("" if kind == "sObject" else kind), fields


def read_value(node: ET.Element) -> Any:
    """A text, or the record that a parent is found by."""
    if len(node):
        kind, fields = read_record(node)
        return {**({"attributes": {"type": kind}} if kind else {}), **fields}
    return node.text or ""


def texts(parent: ET.Element, name: str) -> list[str]:
    """The texts of the elements of this name."""
    return [(each.text or "").strip() for each in children(parent, name)]


def children(parent: ET.Element, name: str) -> list[ET.Element]:
    return [each for each in parent if local_name(each.tag) == name]


# -- what they get


class RecordWriter:
    """Writes records as one of the two APIs does."""

    def __init__(self, *, partner: bool) -> None:
        self.partner = partner

    def records(self, rows: Sequence[Mapping[str, Any]], name: str = "records") -> str:
        return "".join(self.record(each, name) for each in rows)

    def record(self, row: Mapping[str, Any] | None, name: str, *, doubled: bool = True) -> str:
        """One record as an element; None is nil."""
        if row is None:
            return f'<{name} xsi:nil="true"/>'
        kind = row["attributes"]["type"]
        if self.partner:
            fields = self._partner_head(row, kind, doubled)
            rest = [each for each in row if each not in ("attributes", "Id")]
            return f'<{name} xsi:type="sf:sObject">{fields}{self._fields(row, rest)}</{name}>'
        rest = [each for each in row if each != "attributes"]
        return f'<{name} xsi:type="sf:{kind}">{self._fields(row, rest)}</{name}>'

    def _partner_head(self, row: Mapping[str, Any], kind: str, doubled: bool) -> str:
        record_id = element("sf:Id", row.get("Id"))
        return element("sf:type", kind) + record_id + (record_id if doubled and "Id" in row else "")

    def _fields(self, row: Mapping[str, Any], names: Sequence[str]) -> str:
        return "".join(self._field(f"sf:{name}", row[name]) for name in names)

    def _field(self, name: str, value: Any) -> str:
        if isinstance(value, Mapping):
            if "records" in value:
                inner = self.result(value, value.get("nextRecordsUrl"))
                return f'<{name} xsi:type="QueryResult">{inner}</{name}>'
            if "attributes" in value:
                return self.record(value, name)
            kind = COMPOUND["city" if "city" in value else "latitude"]
            inner = "".join(element(key, each) for key, each in value.items())
            return f'<{name} xsi:type="{kind}">{inner}</{name}>'
        return element(name, soap_text(value))

    def result(self, value: Mapping[str, Any], locator: str | None = None) -> str:
        """The inside of a `QueryResult`: its keys stand in the order of the alphabet."""
        return (
            element("done", value["done"])
            + element("queryLocator", locator)
            + self.records(value["records"])
            + element("size", value["totalSize"])
        )


def soap_text(value: Any) -> Any:
    """A JSON value as SOAP writes it: moments end in `Z`."""
    if isinstance(value, str) and (moment := STAMP.fullmatch(value)):
        return f"{moment[1]}Z"
    return value


def tree(values: Mapping[str, Any]) -> str:
    """A JSON value as nested elements: a list repeats its element, None is left out."""
    return "".join(_branch(name, value) for name, value in values.items() if value is not None)


def _branch(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_branch(name, each) for each in value)
    if isinstance(value, Mapping):
        return f"<{name}>{tree(value)}</{name}>"
    return element(name, value)


def save_result(result: Mapping[str, Any]) -> str:
    """One row's result, from the form of the REST collections."""
    errors = "".join(_error(each) for each in result["errors"])
    created = element("created", result["created"]) if "created" in result else ""
    inner = f"{created}{errors}{element('id', result.get('id'))}{element('success', result['success'])}"
    return f"<result>{inner}</result>"


def _error(error: Mapping[str, Any]) -> str:
    fields = "".join(element("fields", each) for each in error["fields"])
    code = element("statusCode", error["statusCode"])
    return f"<errors>{fields}{element('message', error['message'])}{code}</errors>"
