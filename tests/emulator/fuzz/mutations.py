"""Damage done to sound requests: a value of another kind, a name that is none, half of a body, one byte more.

Everything is drawn from a `Random`, so that hypothesis can shrink what breaks and a long run repeats.
"""

import json
import re
from random import Random
from typing import Any

WORDS = (
    "",
    " ",
    "x",
    "null",
    "true",
    "0",
    "-1",
    "1e400",
    "NaN",
    "Account",
    "Contact",
    "Id",
    "Name",
    "attributes",
    "001000000000001AAA",
    "00100000000000",
    "012000000000000AAA",
    "@{a.id}",
    "@{a[0].b}",
    "@{}",
    "'",
    '"',
    "\\",
    "%",
    "%00",
    "../..",
    "a\x00b",
    "\ud7ff\uffff",
    "\ud800",
    "\U0001f600",
    "é" * 300,
    "9" * 400,
    "2031-02-30",
    "2031-05-04T25:00:00Z",
    "0001-01-01T00:00:00Z",
    "SELECT Id FROM Account",
    "<x/>",
    "]]>",
    "&amp;",
    "#N/A",
    "a,b\n",
    "Account.Name",
    "Owner.Name",
    "__c",
    "__r",
    "sf__Id",
)
NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**30, 0.5, -0.0, 1e308, 1e-308)
LITERALS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "01",
    "+1",
    "1.",
    ".5",
    "tru",
    "'x'",
    "{",
    "[",
    '"',
    "\x00",
    "1" * 5000,
)


def word(random: Random) -> str:
    return random.choice(WORDS)


def junk(random: Random, depth: int = 0) -> Any:
    """A JSON value of any kind."""
    kind = random.randrange(6 if depth < 3 else 4)
    if kind == 0:
        return random.choice((None, True, False))
    if kind == 1:
        return random.choice(NUMBERS)
    if kind < 4:
        return word(random)
    inner = [junk(random, depth + 1) for _ in range(random.randrange(3))]
    return inner if kind == 4 else {word(random): each for each in inner}


def damaged_json(random: Random, value: Any) -> bytes:
    """The value with one to three things wrong, sometimes as text that is no JSON."""
    for _ in range(random.randrange(1, 4)):
        value = _damaged(random, value)
    text = json.dumps(value)
    if random.randrange(8) == 0:
        return damaged_text(random, text)
    if random.randrange(10) == 0:
        places = [each.start() for each in re.finditer(r'[0-9"tfn]', text)]
        if places:
            at = random.choice(places)
            text = text[:at] + random.choice(LITERALS) + text[at + 1 :]
    return text.encode("utf-8", "surrogatepass")


def _damaged(random: Random, value: Any) -> Any:
    if random.randrange(4) == 0 or not isinstance(value, dict | list) or not value:
        return junk(random)
    if isinstance(value, list):
        at = random.randrange(len(value))
        act = random.randrange(4)
        if act == 0:
            return [*value, junk(random)]
        if act == 1:
            return value[:at] + value[at + 1 :]
        if act == 2:
            return [*value, value[at]]
        return [*value[:at], _damaged(random, value[at]), *value[at + 1 :]]
    name = random.choice(list(value))
    act = random.randrange(6)
    if act == 0:
        return {key: each for key, each in value.items() if key != name}
    if act == 1:
        return {**value, word(random): junk(random)}
    if act == 2:
        return {(word(random) if key == name else key): each for key, each in value.items()}
    return {**value, name: _damaged(random, value[name])}


def damaged_text(random: Random, text: str) -> bytes:
    """Text with a piece cut out, doubled, put in or put elsewhere; at times with a byte that is no text."""
    for _ in range(random.randrange(1, 3)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.randrange(1, 12))
        act = random.randrange(5)
        if act == 0:
            text = text[:start]
        elif act == 1:
            text = text[:start] + text[end:]
        elif act == 2:
            text = text[:end] + text[start:]
        elif act == 3:
            text = text[:start] + word(random) + text[end:]
        else:
            text = text[:start] + random.choice(LITERALS) + text[start:]
    raw = text.encode("utf-8", "surrogatepass")
    if random.randrange(10) == 0:
        at = random.randrange(len(raw) + 1)
        raw = raw[:at] + bytes([random.randrange(256)]) + raw[at:]
    return raw


TOKENS = re.compile(r"[A-Za-z_.]+|\d+|'[^']*'|\S")
SOQL_WORDS = re.findall(
    r"\S+",
    """
SELECT FROM WHERE AND OR NOT IN LIKE ( ) , . = != <> < > <= >= ' null true 5 -5 1.5 'x' 'Acme%' : :x
TODAY LAST_N_DAYS:5 LAST_N_DAYS:99999999999 NEXT_YEAR 2031-01-01 2031-01-01T00:00:00Z USD5 GROUP BY
HAVING ORDER ASC NULLS LAST LIMIT OFFSET COUNT() COUNT(Id) COUNT MAX(Name) SUM(AnnualRevenue)
CALENDAR_YEAR(CreatedDate) toLabel(Industry) FORMAT(AnnualRevenue) FIELDS(ALL) TYPEOF WHEN THEN ELSE END
USING SCOPE mine everything WITH SECURITY_ENFORCED FOR UPDATE VIEW ALL ROWS INCLUDES EXCLUDES ROLLUP CUBE
GROUPING DISTANCE GEOLOCATION(1,2) Id Name Account Contacts Contact Owner.Name Account.Owner.Profile.Name
Industry AnnualRevenue Tier__c Tags__c Score__c Day__c Moment__c Hour__c Live__c Notes__c BillingAddress
Parent.Parent.Parent.Parent.Parent.Parent.Name (SELECT Id FROM Contacts) -- /* */ \\ " @ ; {0} % é
""",
)


def damaged_soql(random: Random, soql: str) -> str:
    tokens = TOKENS.findall(soql)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(tokens) + 1)
        act = random.randrange(4)
        if act == 0:
            tokens.insert(at, random.choice(SOQL_WORDS))
        elif act == 1:
            tokens[at : at + 1] = []
        elif act == 2:
            tokens[at : at + 1] = [random.choice(SOQL_WORDS)]
        else:
            tokens[at:at] = tokens[at : at + random.randrange(1, 4)]
    return " ".join(tokens)


ELEMENT = re.compile(r"<([A-Za-z0-9:_]+)([^<>]*)>([^<>]*)")


def damaged_xml(random: Random, text: str) -> bytes:
    """XML with an element's text, name or attribute changed, an element doubled; or text as any other."""
    found = list(ELEMENT.finditer(text))
    if random.randrange(4) == 0 or not found:
        return damaged_text(random, text)
    for _ in range(random.randrange(1, 3)):
        each = random.choice(list(ELEMENT.finditer(text)) or found)
        name, attributes, inside = each.groups()
        act = random.randrange(5)
        if act < 2:
            inside = word(random).replace("<", "&lt;")
        elif act == 2:
            end = text.find(f"</{name}>", each.end())
            if end > 0:
                whole = text[each.start() : end + len(name) + 3]
                cut = "" if random.randrange(2) else whole + whole
                text = text[: each.start()] + cut + text[end + len(name) + 3 :]
            continue
        elif act == 3:
            attributes += ' xsi:nil="true"' if random.randrange(2) else ' xsi:type="sf:Nothing"'
        else:
            inside += f"<{random.choice(('x', 'Id', 'type', 'fullName', 'fieldsToNull', 'label'))}/>"
        text = text[: each.start()] + f"<{name}{attributes}>{inside}" + text[each.end() :]
    return text.encode("utf-8", "surrogatepass")
