"""Batches of 1.0 that are no CSV: JSON arrays and XML lists of records.

Source: Bulk API Developer Guide, "Prepare XML and JSON Files"; element names as clients send them.
"""

import json
import re
import xml.etree.ElementTree as ET
from typing import Any

from .refusals import BatchFailed
from .uploads import Record

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def local(tag: str) -> str:
    """The name of an element without its namespace."""
    return tag.rpartition("}")[2]


def parse_xml(body: bytes) -> ET.Element:
    """The root element. Raises ValueError for what is no XML, or declares entities."""
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", body):
        raise ValueError("DTDs are not allowed")
    try:
        return ET.fromstring(body)  # noqa: S314  entity declarations were refused above
    except ET.ParseError as error:
        raise ValueError(str(error)) from error


def json_records(body: bytes) -> list[Record]:
    """Raises `BatchFailed`."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BatchFailed(f"Failed to parse JSON. {error}") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BatchFailed("Failed to parse JSON. Expected an array of records")
    return found


def xml_records(body: bytes) -> list[Record]:
    """Raises `BatchFailed`."""
    try:
        root = parse_xml(body)
    except ValueError as error:
        raise BatchFailed(f"Failed to parse XML. {error}") from error
    if local(root.tag) != "sObjects":
        raise BatchFailed("Failed to parse XML. Expected sObjects")
    return [_xml_record(each) for each in root if local(each.tag) == "sObject"]


def _xml_record(element: ET.Element) -> dict[str, Any]:
    return {local(each.tag): _xml_value(each) for each in element}


def _xml_value(element: ET.Element) -> Any:
    if element.get(XSI_NIL) == "true":
        return None
    inner = next((each for each in element if local(each.tag) == "sObject"), None)
    if inner is None:
        return element.text or ""
    record = _xml_record(inner)
    kind = record.pop("type", None)
    return {**record, "attributes": {"type": kind}} if kind else record
