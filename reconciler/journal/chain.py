"""The chain through the entries of one org: what was written cannot be changed without a trace.

Each entry's hash covers the one before it, its own content and its position:
``SHA-256(previous | SHA-256(content) | position)``, the position as eight bytes. The lease row keeps
the size and the head, so a cut tail shows. Who can write the journal can make a whole new chain;
that shows only against a `ChainHead` noted elsewhere (a CI log) while the old one stood.
"""

import hashlib
import json
from dataclasses import dataclass

START = bytes(32)
"""What the first entry of an org has before it."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The size and last hash of one org's chain; as text ``00D…:17:ab12…``."""

    org_id: str
    size: int
    head: str

    def __str__(self) -> str:
        return f"{self.org_id}:{self.size}:{self.head}"

    @classmethod
    def parse(cls, noted: str) -> "ChainHead":
        """Raises ValueError for another form."""
        org_id, size, head = noted.strip().rsplit(":", 2)
        if len(bytes.fromhex(head)) != len(START):
            raise ValueError(f"not the head of a chain: {noted!r}")
        return cls(org_id, int(size), head)


@dataclass(frozen=True, slots=True)
class Content:
    """What an entry says, as its hash covers it."""

    org_id: str
    plan_id: str
    run: int
    fence: int
    event: str
    at: str
    body: bytes
    key_id: str | None = None
    nonce: bytes | None = None

    def hashed(self, previous: bytes, position: int) -> bytes:
        nonce = None if self.nonce is None else self.nonce.hex()
        columns = [
            self.org_id, self.plan_id, self.run, self.fence, self.event, self.at, self.key_id, nonce
        ]  # fmt: skip
        content = hashlib.sha256(json.dumps(columns).encode("ascii") + b"\n" + self.body).digest()
        return hashlib.sha256(previous + content + position.to_bytes(8, "big")).digest()
