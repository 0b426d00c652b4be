"""The name that finds a resource in any org, and its address on the command line.

``ResourceKey("PermissionSetAssignment", ("ada@acme.example", "Release_Manager"))`` has the address
``PermissionSetAssignment/ada@acme.example/Release_Manager``. `%` and `/` inside a part are
percent-encoded, so that every address reads back to its key.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple


class ResourceKey(NamedTuple):
    """``type`` is the sObject (or `Queue`, a kind of Group); ``name`` the natural key, part by part."""

    type: str
    name: tuple[str, ...]

    @property
    def address(self) -> str:
        plain = "/".join((self.type, *self.name))
        if "%" not in plain and plain.count("/") == len(self.name):
            return plain
        return "/".join((self.type, *(_quote(part) for part in self.name)))

    def __str__(self) -> str:
        return self.address

    @classmethod
    def parse(cls, address: str) -> "ResourceKey":
        """Raises ValueError where there is no ``type/name``."""
        type_, *parts = address.split("/")
        if not type_ or not parts or not all(parts):
            raise ValueError(f"not an address: {address!r}; expected Type/name, as in Account/ACME")
        return cls(type_, tuple(_unquote(part) for part in parts))


def matches(address: str, pattern: str) -> bool:
    """Whether ``pattern`` (an address, a type, or either with ``*``) covers ``address``."""
    return address == pattern or address.startswith(pattern + "/") or fnmatchcase(address, pattern)


def _quote(part: str) -> str:
    return part.replace("%", "%25").replace("/", "%2F")


def _unquote(part: str) -> str:
    return part.replace("%2F", "/").replace("%25", "%")
