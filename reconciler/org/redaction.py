"""Foreign text made safe to show: what looks like a credential is cut out.

Salesforce, proxies and the `sf` command echo what they were sent. Everything of theirs that goes
into a message of ours passes through `redact` first. Shapes are recognised by the table below;
what has no shape (a password, a consumer secret) is cut out by value, so whoever holds one passes it.
"""

import re
from collections.abc import Iterable

REDACTED = "(redacted)"
SHOWN_CHARACTERS = 500

_NAMES = (
    "access_?token|refresh_?token|client_?secret|consumer_?secret|security_?token|session_?id"
    "|password|assertion|id_token|signature|sfdxAuthUrl"
)

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL), REDACTED),
    (re.compile(r"force://\S+"), "force://" + REDACTED),
    (re.compile(r"(\b00D\w{12,15})(?:!|%21)[\w.%=+/-]+"), r"\1!" + REDACTED),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)*"), REDACTED),
    (re.compile(r"\b5Aep[\w.=]{16,}"), REDACTED),
    (
        re.compile(r"(?i)\b(authorization\s*[:=]\s*)(?:(?:bearer|oauth|basic)\s+)?[^\s,;'\"]+"),
        r"\1" + REDACTED,
    ),
    (re.compile(r"(?i)\b(bearer|oauth|basic)\s+[\w.!~+/=-]{16,}"), r"\1 " + REDACTED),
    (re.compile(rf"(?i)(<(?:\w+:)?(?:{_NAMES})>)[^<]*"), r"\1" + REDACTED),
    (re.compile(rf"(?i)(\b(?:{_NAMES})[\"']?\s*[:=]\s*\")[^\"]*"), r"\1" + REDACTED),
    (re.compile(rf"(?i)(\b(?:{_NAMES})[\"']?\s*[:=]\s*)(?![\"(])[^\s\"'&<>,;}}]+"), r"\1" + REDACTED),
    (re.compile(r"(\w://)[^/@\s:]+:[^/@\s]+@"), r"\1" + REDACTED + "@"),
    (re.compile(r"(?s)(data value too large: ).*( \(max length=\d+\))"), r"\1" + REDACTED + r"\2"),
)


def redact(text: str, known: Iterable[str] = ()) -> str:
    """``text`` without credentials: those that show by their shape, and the ``known`` ones.

    >>> redact("token 00D000000000001!AQ.aq rejected")
    'token 00D000000000001!(redacted) rejected'
    """
    for secret in known:
        if secret:
            text = text.replace(secret, REDACTED)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def excerpt(text: str, known: Iterable[str] = (), limit: int = SHOWN_CHARACTERS) -> str:
    """``text`` redacted, on one line and shortened: the form for messages."""
    line = " ".join(redact(text, known).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
