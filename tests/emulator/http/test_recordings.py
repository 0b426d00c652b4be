"""Recorded exchanges of real orgs, replayed: the emulated org must answer in the same form.

What a request needs is made first: custom objects and fields it names, rows for the ids it names
(ids are translated), in the bin where the recording says so. Compared are status, header fields, error
codes and their texts, keys in order as far as the schema has the fields, and JSON types of values.
`CANNOT_HOLD` says which recordings this cannot be asked of, and why.
"""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from reconciler.emulator import ids
from reconciler.emulator.http import sessions
from reconciler.emulator.http.faults import Faults, deliver
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, SObject
from reconciler.emulator.store import quoted

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "recordings"
GROUPS = (
    "auth", "composite", "describe", "describe-global", "identity", "limits", "other", "query", "rows",
    "search", "versions",
)  # fmt: skip

ELIDED = "the statement was elided by the recorder"
BY_HAND = "request and answer do not belong together: the recording was put together by hand"
LOCATOR = "a locator is only good in the org that gave it; pages are tested in test_http_query"
CANNOT_HOLD = {
    "composite/patch-composite-sobjects-200-amplabs.json": BY_HAND,
    "composite/post-composite-sobjects-200-amplabs.json": BY_HAND,
    "query/get-query-contacts-200-amplabs.json": BY_HAND,
    "composite/patch-composite-sobjects-Account-Id-200-nango.json": "the text fits no rule that is known",
    "describe/get-sobjects-Knowledge__kav-describe-200-nango.json": "the org has no Knowledge",
    "query/get-query-locator-200-nango-2.json": LOCATOR,
    "query/get-query-locator-200-nango.json": LOCATOR,
    "query/get-query-locator-200-netcoreforce.json": LOCATOR,
    "query/get-query-locator-Account-200-nango.json": LOCATOR,
    "query/get-query-200-netcoreforce.json": ELIDED,
    "query/get-query-Case-200-netcoreforce-2.json": ELIDED,
    "query/get-query-Opportunity-200-amplabs.json": ELIDED,
    "rows/get-sobjects-Case-listviews-id-results-200-restforce.json": "held by a claim of test_pages",
}

ID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?(?![0-9A-Za-z])")
ABSENT = ("INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND", "JSON_PARSER_ERROR")


def recorded() -> list[str]:
    if not RECORDINGS.is_dir():
        return []
    return sorted(
        str(path.relative_to(RECORDINGS)) for group in GROUPS for path in (RECORDINGS / group).glob("*.json")
    )


class World:
    """A fresh org with what one recording takes for granted."""

    def __init__(self, recording: dict[str, Any]) -> None:
        self.org = EmulatedOrg()
        version = recording["recorded"].get("api_version")
        self.old = version is None or float(version) < 50
        self.trimmed = recording["recorded"]["fidelity"] != "exchange" or "trimmed" in recording["recorded"]
        self.reply = recording["response"]
        self.body = self.reply.get("body")
        self.translated: dict[str, str] = {}
        self.stale = False
        self.added: set[str] = set()
        self.serial = 900_000
        self.text = json.dumps(recording)
        self.prefixes = iter(f"a{char}{digit}" for char in "ABCDEFGHIJ" for digit in "0123456789")

    def partial(self, value: dict[str, Any]) -> bool:
        """Whether a describe is cut by the recorder, or of a version that had fewer keys."""
        marks = {"queryable", "nillable", "labelPlural", "cascadeDelete", "recordTypeId"}
        return bool(marks & value.keys()) and (self.old or self.trimmed)

    # -- schema

    def sobject(self, name: str) -> SObject | None:
        found = self.org.schema.get(name)
        if (
            found is None
            and "NOT_FOUND" not in codes(self.body)
            and (name.endswith("__c") or name == "Whizbang")
        ):
            known = re.search(rf"{name}/([0-9A-Za-z]{{3}})[0-9A-Za-z]{{12,15}}", self.text)
            prefix = known[1] if known else next(self.prefixes)
            found = SObject(name=name, label=name, label_plural=name, key_prefix=prefix, custom=True)
            for made in self.org.schema["Account"].fields.values():
                if made.name in SYSTEM_FIELDS:
                    found.add(made)
            self.org.schema.add(found)
            self.org.store.create_tables([found])
            self.retable()
        return found

    def field(self, sobject: SObject, name: str, value: Any, *, key: bool = False) -> None:
        """Make a field the schema lacks, of a type that fits its name and value."""
        if sobject.field(name) is not None or sobject.parent_path(name) or isinstance(value, dict):
            return
        about: dict[str, Any] = {"type": "email" if "email" in name.lower() else "string"}
        if isinstance(value, bool):
            about = {"type": "boolean"}
        elif isinstance(value, int | float):
            about = {"type": "double"}
        elif name.replace("__c", "__r.") in unquote_plus(self.text):
            relationship = name.replace("__c", "__r")
            about = {"type": "reference", "reference_to": ("Contact",), "relationship_name": relationship}
        made = Field(
            name=name,
            label=name.removesuffix("__c"),
            length=255,
            custom=True,
            external_id=key,
            id_lookup=key,
            **about,
        )
        self.org.schema.add_field(sobject.name, made)
        self.org.store.add_column(sobject, made)
        self.added.add(name)
        self.stale = True

    def retable(self) -> None:
        """Compile the tables anew, after the schema grew."""
        self.stale = False
        self.org.tables = type(self.org.tables)(self.org.schema)

    # -- rows

    def row(self, sobject: SObject, values: dict[str, Any], *, deleted: bool = False) -> str:
        """A row put into the store as it is; the rules are not what is tested here."""
        self.serial += 1
        number = ids.make(sobject.key_prefix or "000", self.serial)
        columns: dict[str, Any] = {"Id": number}
        for name, value in values.items():
            self.field(sobject, name, value)
            found = sobject.field(name)
            if found is not None and found.stored and name != "Id":
                columns[found.name] = self.stored(found, value)
        for name in ("LastName", "Name", "Username"):
            found = sobject.field(name)
            if found is not None and found.stored and columns.get(found.name) is None:
                columns[found.name] = f"row {self.serial}"
        for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
            if sobject.field(name):
                columns.setdefault(name, self.org.clock.now_ms())
        if sobject.field("IsActive"):
            columns.setdefault("IsActive", 1)
        if deleted:
            columns["IsDeleted"] = 1
        listed, marks = ", ".join(map(quoted, columns)), ", ".join("?" for _ in columns)
        self.org.store.execute(
            f"INSERT OR IGNORE INTO {quoted(sobject.name)} ({listed}) VALUES ({marks})",
            tuple(columns.values()),
        )
        return ids.to_text(number)

    def stored(self, field: Field, value: Any) -> Any:
        if value is None or isinstance(value, dict | list):
            return 0 if field.type == "boolean" else None
        if field.type == "reference":
            return ids.parse(self.translated.get(str(value), "")) or ids.parse(self.org.admin_id)
        if field.type == "datetime":
            return int(datetime.fromisoformat(str(value)).timestamp() * 1000)
        return int(value) if field.type == "boolean" else value

    def rows_of_reply(self, value: Any) -> None:
        """Make every row the recorded answer shows, parents first."""
        for record in value if isinstance(value, list) else []:
            attributes = record.get("attributes") if isinstance(record, dict) else None
            if not isinstance(attributes, dict):
                continue
            sobject = self.sobject(attributes["type"])
            if sobject is None or sobject.name in ("Organization", "RecordType"):
                continue
            plain = {name: each for name, each in record.items() if name != "attributes"}
            for name, parent in record.items():
                path = sobject.parent_path(name) if isinstance(parent, dict) else None
                if path is not None:
                    made = self.row(self.org.schema[path.reference_to[0]], parent)
                    plain[path.name] = made
                    self.translated[made] = made
            made = self.row(
                sobject, {name: each for name, each in plain.items() if not isinstance(each, dict)}
            )
            for each in (record.get("Id"), str(attributes.get("url", "")).rpartition("/")[2]):
                if each:
                    self.translated[str(each)] = made
            self.children(sobject, record, made)

    def children(self, sobject: SObject, record: dict[str, Any], parent: str) -> None:
        for name, value in record.items():
            if isinstance(value, dict) and isinstance(value.get("records"), list):
                for each in self.org.schema.children_of(sobject.name):
                    if each.name == name:
                        self.translated[parent] = parent
                        for child in value["records"]:
                            child = {k: v for k, v in child.items() if not isinstance(v, dict)}
                            self.row(self.org.schema[each.child], {**child, each.field: parent})

    def translate(self, text: str) -> str:
        """The text with recorded ids exchanged for ids of rows that exist here."""
        return ID.sub(lambda found: self._id(found[0]), text)

    def _id(self, text: str) -> str:
        if text in self.translated:
            return self.translated[text]
        if text.startswith("00D"):
            return self.org.org_id
        if text.startswith("005") and '"path": "/id/' in self.text:
            return self.org.admin_id
        codes = json.dumps(self.body)
        sobject = self.org.schema.by_prefix(text[:3]) if re.search(r"\d", text) else None
        if sobject is None or any(code in codes for code in ABSENT):
            return text
        values = {"IsConverted": True} if "CANNOT_UPDATE_CONVERTED_LEAD" in codes else {}
        self.translated[text] = self.row(sobject, values, deleted="ENTITY_IS_DELETED" in codes)
        return self.translated[text]


SYSTEM_FIELDS = (
    "Id", "IsDeleted", "Name", "OwnerId", "CreatedDate", "CreatedById", "LastModifiedDate",
    "LastModifiedById", "SystemModstamp",
)  # fmt: skip


def forms(path: str) -> str:
    return re.sub(r"/v(xx|2\d|<api_version>)\.0", "/v60.0", path).replace("%2C", ",")


def prepare(world: World, request: dict[str, Any]) -> tuple[str, str, Any]:
    """Make what the request needs; the request in this org's terms."""
    path, body = forms(request["path"]), request.get("body")
    row_form = isinstance(world.body, dict) and "attributes" in world.body
    if row_form:
        world.rows_of_reply([world.body])
    if isinstance(world.body, dict):
        world.rows_of_reply(world.body.get("records"))
        if world.body.get("done") is False:
            fill(world, world.body["records"][0]["attributes"]["type"])
    for inner in (world.body or {}).get("compositeResponse", []) if isinstance(world.body, dict) else []:
        if isinstance(inner["body"], dict):
            world.rows_of_reply(inner["body"].get("records"))
    names = re.search(r"/sobjects/(\w+)(?:/(\w+__c|Email|Id)/([^/?]+))?", path)
    sobject = world.sobject(names[1]) if names else None
    for match in re.finditer(r"from\s+(\w+)\b", unquote_plus(path), re.IGNORECASE):
        found = world.sobject(match[1])
        for name in re.findall(r"\b(\w+__c)\b", unquote_plus(path)):
            if found is not None and name != match[1]:
                world.field(found, name, 1 if "float" in name else "")
    if sobject is not None and names is not None and names[2] and names[2].endswith("__c"):
        world.field(sobject, names[2], "", key=True)
        for _ in range({200: 1, 204: 1, 300: 2}.get(world.reply["status"], 0)):
            world.row(sobject, {names[2]: unquote_plus(names[3])})
    for record in body.get("records", [body]) if isinstance(body, dict) else []:
        kind = (record.get("attributes") or {}).get("type") or (sobject.name if sobject else None)
        found = world.sobject(kind) if kind else None
        for name, value in record.items():
            if found is not None and name != "attributes":
                world.field(found, name, value)
    if world.stale:
        world.retable()
    text = world.translate(json.dumps(body)) if body is not None else None
    known = next(iter(world.translated.values()), world.org.org_id)
    path = re.sub(r"/\w*ORGID\w*", f"/{world.org.org_id}", path.replace("{id}", known))
    if "start=..&end=.." in path:
        now = world.org.clock.now()
        path = path.replace("start=..&end=..", f"start={now - timedelta(days=1):%Y-%m-%d}&end={now:%Y-%m-%d}")
    if names is not None and names[2] and world.reply["status"] == 204:
        path = path.replace("/v60.0", "/v45.0")
    return world.translate(path), request["method"], None if text is None else json.loads(forms(text))


def fill(world: World, name: str) -> None:
    """More rows than a page holds."""
    sobject = world.org.schema[name]
    with world.org.store.transaction():
        for _ in range(2001):
            world.row(sobject, {})


REFRESH = "grant_type=refresh_token&refresh_token={token}&client_id={client}"


def refresh_form(org: EmulatedOrg) -> str:
    """The form that a redacted one stood for."""
    kind_of_token = sessions.TokenKind.REFRESH
    token = sessions.open_session(org, org.admin_id, client_id=org.client_id, kind=kind_of_token)
    return REFRESH.format(token=token, client=org.client_id)


def send(
    world: World, method: str, address: str, body: Any, *, signed: bool = True
) -> tuple[int, Any, dict[str, str]]:
    path, _, query = address.partition("?")
    headers = Headers({"Host": "acme.my.salesforce.com"})
    token = sessions.open_session(world.org, world.org.admin_id) if signed else "00D!gone"
    headers["authorization"] = f"Bearer {token}"
    body = refresh_form(world.org) if body == "[REDACTED]" else body
    raw = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request = Request(method=method, path=path, query=query, headers=headers, body=raw, scheme="https")
    delivery = deliver(world.org, request, Faults())
    return delivery.status, json.loads(delivery.body) if delivery.body else None, dict(delivery.headers)


def codes(value: Any) -> list[str]:
    """All error codes in a body, in order."""
    if isinstance(value, dict):
        own = [value[key] for key in ("errorCode", "statusCode", "error") if isinstance(value.get(key), str)]
        return own + [code for each in value.values() for code in codes(each)]
    return [code for each in value for code in codes(each)] if isinstance(value, list) else []


def told(world: World, value: Any) -> list[str]:
    """All texts of errors in a body, in order, without the ids and addresses that differ between orgs."""
    if isinstance(value, dict):
        own = [value[key] for key in ("message", "error_description") if isinstance(value.get(key), str)]
        if "errorCode" not in value and "statusCode" not in value and "error" not in value:
            own = []
        return [plain(text) for text in own] + [text for each in value.values() for text in told(world, each)]
    return [text for each in value for text in told(world, each)] if isinstance(value, list) else []


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", ID.sub("ID", text)).strip()


SENT_BY_THE_EDGE = ("set-cookie", "server", "x-sfdc-edge-cache", "queryid", "transfer-encoding")
"""Header fields of the machines before an org, and those that differ between any two answers."""
SAME_VALUE = ("cache-control", "content-type", "x-robots-tag", "x-content-type-options", "www-authenticate")


def compare_headers(expected: dict[str, Any], actual: dict[str, str]) -> None:
    """All recorded fields are there, those that say nothing of one org with their value."""
    ours = {name.lower(): value for name, value in actual.items()}
    for name, value in expected.items():
        lowered = name.lower()
        if lowered in SENT_BY_THE_EDGE or (lowered == "content-type" and not value):
            continue
        assert lowered in ours, name
        if lowered in SAME_VALUE:
            assert ours[lowered].lower() == value.lower(), name


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def compare(world: World, expected: Any, actual: Any, where: str = "$") -> None:
    """The same form: keys in order, types of values. Rows may lack fields the schema has not."""
    if expected is None or actual is None or (not expected and where.endswith(".urls")):
        return
    assert kind(expected) == kind(actual), where
    if isinstance(expected, dict):
        compare_keys(world, expected, actual, where)
        for key in expected.keys() & actual.keys():
            if key not in ("validFor",):
                compare(world, expected[key], actual[key], f"{where}.{key}")
    elif isinstance(expected, list) and expected and actual:
        compare(world, expected[0], same_entry(expected[0], actual), f"{where}[0]")


def same_entry(expected: Any, actual: list[Any]) -> Any:
    """The entry of the same name, where entries have names; else the first."""
    if not isinstance(expected, dict) or "name" not in expected:
        return actual[0]
    return next((each for each in actual if each["name"] == expected["name"]), None)


def compare_keys(world: World, expected: dict[str, Any], actual: dict[str, Any], where: str) -> None:
    wanted = [key for key in expected if where != "$" or key not in ("debug", "query")]
    attributes = expected.get("attributes")
    sobject = world.org.schema.get(attributes["type"]) if isinstance(attributes, dict) else None
    if sobject is not None:
        known = [key for key in wanted if key in actual or sobject.field(key) or sobject.parent_path(key)]
        assert set(known) <= set(actual), where
        own = [key for key in known if key not in world.added]
        assert [key for key in actual if key in own] == own, where
    elif where.endswith(".httpHeaders"):
        return
    elif SOME_DIFFER & expected.keys() and not {"fields", "queryable"} <= expected.keys():
        common = [key for key in wanted if key in actual]
        assert world.old or world.trimmed or [key for key in actual if key in common] == common, where
    elif world.partial(expected) or ("errorCode" in expected and world.trimmed):
        assert set(wanted) <= set(actual), where
    else:
        assert list(actual) == wanted, where


SOME_DIFFER = frozenset(
    ("rowTemplate", "uiEditTemplate", "DailyApiRequests", "Max", "chatter", "feeds", "geocodeAccuracy")
)
"""Keys of lists of addresses and allowances: which there are differs by object, org and version."""


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recorded exchanges are not beside the repository")
@pytest.mark.parametrize("name", recorded())
def test_a_recorded_exchange_has_the_same_form_here(name: str) -> None:
    if name in CANNOT_HOLD:
        pytest.skip(CANNOT_HOLD[name])
    recording = json.loads((RECORDINGS / name).read_text())
    world = World(recording)
    address, method, body = prepare(world, recording["request"])
    if "DUPLICATE_VALUE" in codes(world.body):
        send(world, method, address, body)
    status, actual, headers = send(
        world, method, address, body, signed=recording["response"]["status"] != 401
    )
    assert status == recording["response"]["status"], actual
    assert codes(actual) == codes(world.body)
    assert told(world, actual) == told(world, world.body)
    compare_headers(recording["response"]["headers"], headers)
    compare(world, world.body, actual)
