"""Text inside XML: escaped, and without the characters that XML has no way to write.

Rows may hold such characters, since JSON can write them. That Salesforce leaves them out was not verified.
"""

import re
from html import escape
from typing import Final

UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xml_text(text: str) -> str:
    """
    >>> xml_text("a < b\\0")
    'a &lt; b'
    """
    return UNWRITABLE.sub("", escape(text, quote=False))
