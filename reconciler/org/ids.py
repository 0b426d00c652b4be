"""Record ids on the wire: 15 case-sensitive characters, or 18 that survive a change of case.

The last three characters encode which of the first fifteen are capitals, five to a character.
Source: Salesforce Help, "What are the differences between 15 and 18 digit record IDs".
"""

import re
from typing import TypeGuard

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")


def is_record_id(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and _RECORD_ID.fullmatch(text) is not None


def long_id(record_id: str) -> str:
    """The 18-character form.

    >>> long_id("001000000000001")
    '001000000000001AAA'
    """
    if len(record_id) != 15:
        return record_id
    groups = (record_id[start : start + 5] for start in (0, 5, 10))
    return record_id + "".join(
        _SUFFIX[sum(1 << place for place, letter in enumerate(group) if "A" <= letter <= "Z")]
        for group in groups
    )


def same_id(one: str, other: str) -> bool:
    """Whether both name one row, whatever their lengths."""
    return one[:15] == other[:15]
