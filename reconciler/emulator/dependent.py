"""Picklists whose values depend on another field: which values go with which of the controlling field's.

A describe tells it as a set of bits over the controlling field's values, in their order: bit 7 of byte 0 is
the first. The bytes are as few as hold the last bit, filled up to three, so that base64 needs no padding. The
UI API tells the places as numbers. A checkbox controls by `false`, then `true`. The API does not refuse a
value that does not go with its controller; only pages do.

Source: REST API, "sObject Describe", `validFor`; its lengths as recorded.
"""

from base64 import b64encode

from .schema import Field, SObject

CHECKBOX = ("unchecked", "checked")
"""How metadata names the values of a checkbox that controls, in the order of describes."""


def controlling_values(sobject: SObject, field: Field) -> list[str]:
    """The values of the field's controlling field; none where nothing controls it."""
    controller = sobject.field(field.controller) if field.controller else None
    if controller is None:
        return []
    return list(CHECKBOX) if controller.type == "boolean" else [each.value for each in controller.picklist]


def places(sobject: SObject, field: Field, value: str) -> list[int]:
    """Where the values that ``value`` goes with stand among those of the controlling field."""
    wanted = dict(field.valid_for).get(value, ())
    return [at for at, each in enumerate(controlling_values(sobject, field)) if each in wanted]


def valid_for(sobject: SObject, field: Field, value: str) -> str | None:
    """The same as a describe's `validFor`; None where nothing controls the field."""
    if not field.controller:
        return None
    found = places(sobject, field, value)
    size = (max(found, default=0) // 8 // 3 + 1) * 3
    bits = bytearray(size)
    for at in found:
        bits[at // 8] |= 0x80 >> at % 8
    return b64encode(bits).decode()
