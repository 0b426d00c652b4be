"""describeMetadata and describeValueType: what types there are, and what is in them.

Source: Metadata API Developer Guide, "describeMetadata()", "describeValueType()".
"""

from typing import Any

from reconciler.emulator.metadata import described, shapes
from reconciler.emulator.metadata.shapes import Element
from reconciler.emulator.metadata.single_components import UnknownType

DEEPEST = 6
"""How deep fields of fields are told: some types hold themselves."""


def describe_metadata() -> dict[str, Any]:
    """A DescribeMetadataResult in the WSDL's order."""
    return {
        "metadataObjects": [
            {
                "childXmlNames": list(each.parts.values()),
                "directoryName": each.directory,
                "inFolder": each.in_folder,
                "metaFile": each.has_content,
                "suffix": each.suffix,
                "xmlName": each.name,
            }
            for each in described.types().values()
        ],
        "organizationNamespace": "",
        "partialSaveAllowed": True,
        "testRequired": False,
    }


def describe_value_type(qualified: str) -> dict[str, Any]:
    """A DescribeValueTypeResult for `{namespace}CustomField`. Raises INVALID_TYPE."""
    name = qualified.rpartition("}")[2]
    known = shapes.elements(name)
    if known is None:
        raise UnknownType(qualified)
    return {
        "apiCreatable": True,
        "apiDeletable": True,
        "apiReadable": True,
        "apiUpdatable": True,
        "valueTypeFields": [_field(each, 1) for each in known.values()],
    }


def _field(element: Element, depth: int) -> dict[str, Any]:
    below: list[dict[str, Any]] = []
    if element.is_complex and depth < DEEPEST:
        below = [_field(each, depth + 1) for each in (shapes.elements(element.type) or {}).values()]
    is_enum = element.type[0] == "!"
    options = sorted(shapes.values(element.type)) if is_enum else []
    return {
        "fields": below,
        "isForeignKey": False,
        "isNameField": element.name == "fullName",
        "minOccurs": int(element.required),
        "name": element.name,
        "picklistValues": [
            {"active": True, "defaultValue": False, "label": each, "value": each} for each in options
        ],
        "soapType": element.type.lstrip("!") if is_enum or element.is_complex else shapes.NAMES[element.type],
        "valueRequired": element.required,
    }
