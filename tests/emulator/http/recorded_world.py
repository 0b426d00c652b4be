"""A fresh org with what one recording takes for granted, and the recorded request in its terms.

Custom objects and fields that a request names are made, rows for the ids it names (ids are translated), in
the bin where the recording says so, and every row that the recorded answer shows, such that the query's
conditions hold.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from reconciler.emulator import ids
from reconciler.emulator.http import sessions
from reconciler.emulator.http.faults import Faults, deliver
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.metadata.component_types import component_type
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, SObject
from reconciler.emulator.store import quoted

ID = re.compile(r"(?:(?<=%27)|(?<![0-9A-Za-z]))[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?(?![0-9A-Za-z])")
ABSENT = ("INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND", "JSON_PARSER_ERROR")
Sent = tuple[str, str, Any]
"""Method, address and body."""


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
            for made in self.org.schema["Campaign"].fields.values():
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
        if any(each.name == name for each in self.org.schema.children_of(sobject.name)):
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
        for name in ("CreatedById", "LastModifiedById", "OwnerId"):
            if (found := sobject.field(name)) and found.stored and columns.get(name) is None:
                columns[name] = self.org.admin_number
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
            if sobject is not None and sobject.name == "RecordType" and "DeveloperName" in record:
                self.record_type(record)
            if sobject is None or sobject.name in ("Organization", "RecordType"):
                continue
            plain = {name: each for name, each in record.items() if name != "attributes"}
            for name, parent in record.items():
                path = sobject.parent_path(name) if isinstance(parent, dict) else None
                if path is not None:
                    made = self.row(self.org.schema[path.reference_to[0]], parent)
                    plain[path.name] = made
                    self.translated[made] = made
            own = {name: each for name, each in plain.items() if not isinstance(each, dict)}
            made = self.row(sobject, {**own, **self.asked_for(sobject)})
            for each in (record.get("Id"), str(attributes.get("url", "")).rpartition("/")[2]):
                if each:
                    self.translated[str(each)] = made
            self.children(sobject, record, made)

    def asked_for(self, sobject: SObject) -> dict[str, Any]:
        """The values that the query's conditions want the rows of its object to have."""
        soql = unquote_plus(json.loads(self.text)["request"]["path"])
        if not re.search(rf"from\s+{sobject.name}\b", soql, re.IGNORECASE):
            return {}
        wanted = {}
        for name, one, first in re.findall(
            r"(\w+)\s*(?:=\s*'([^']*)'|in\s*\('([^']*)')", soql, re.IGNORECASE
        ):
            field = sobject.field(name)
            if field is not None and field.name != "Id":
                value = one or first
                wanted[field.name] = value
                if field.type == "reference":
                    made = self._id(value)
                    self.translated[made] = made
                    wanted[field.name] = made
        return wanted

    def record_type(self, record: dict[str, Any]) -> None:
        told: Any = {"active": ["true"], "label": [record["DeveloperName"]]}
        with self.org.transaction() as tx:
            component_type("RecordType").write(tx, f"Account.{record['DeveloperName']}", told)

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


def codes(value: Any) -> list[str]:
    """All error codes in a body, in order."""
    if isinstance(value, dict):
        own = [value[key] for key in ("errorCode", "statusCode", "error") if isinstance(value.get(key), str)]
        return own + [code for each in value.values() for code in codes(each)]
    return [code for each in value for code in codes(each)] if isinstance(value, list) else []


SYSTEM_FIELDS = (
    "Id", "IsDeleted", "Name", "OwnerId", "CreatedDate", "CreatedById", "LastModifiedDate",
    "LastModifiedById", "SystemModstamp",
)  # fmt: skip


def forms(path: str) -> str:
    return re.sub(r"/v(xx|2\d|<api_version>)\.0", "/v60.0", path).replace("%2C", ",")


def prepare(world: World, request: dict[str, Any]) -> tuple[str, str, Any]:
    """Make what the request needs; the request in this org's terms."""
    path, body = forms(request["path"]), request.get("body")
    make_what_is_counted(world, path)
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
        start, end = now - timedelta(days=1), now + timedelta(seconds=2)
        path = path.replace(
            "start=..&end=..", f"start={start:%Y-%m-%dT%H:%M:%SZ}&end={end:%Y-%m-%dT%H:%M:%SZ}"
        )
    if names is not None and names[2] and world.reply["status"] == 204:
        path = path.replace("/v60.0", "/v45.0")
    return world.translate(path), request["method"], None if text is None else json.loads(forms(text))


def make_what_is_counted(world: World, path: str) -> None:
    """Rows that an answer counts, lists as seen last or as deleted."""
    if counted := re.search(r"[?&]sObjects=([\w,]+)", path):
        for name in counted[1].split(","):
            world.row(world.org.schema[name], {})
    body = world.body if isinstance(world.body, dict) else {}
    if body.get("recentItems"):
        world.row(world.org.schema[body["objectDescribe"]["name"]], {})
    if body.get("deletedRecords") and (sobject := world.sobject(path.split("/")[5])):
        if world.stale:
            world.retable()
        gone = world.row(sobject, {})
        with world.org.transaction() as tx:
            tx.delete(sobject.name, gone)


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
    world: World,
    method: str,
    address: str,
    body: Any = None,
    *,
    signed: bool = True,
    batch_rows: int = 0,
) -> tuple[int, Any, dict[str, str]]:
    """The answer to a request; ``batch_rows`` is the size of a query's pages, 0 for the usual one."""
    path, _, query = address.partition("?")
    given = {"Sforce-Query-Options": f"batchSize={batch_rows}"} if batch_rows else {}
    headers = Headers({"Host": "acme.my.salesforce.com", **given})
    token = sessions.open_session(world.org, world.org.admin_id) if signed else "00D!gone"
    headers["authorization"] = f"Bearer {token}"
    body = refresh_form(world.org) if body == "[REDACTED]" else body
    raw = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request = Request(method=method, path=path, query=query, headers=headers, body=raw, scheme="https")
    delivery = deliver(world.org, request, Faults())
    return delivery.status, json.loads(delivery.body) if delivery.body else None, dict(delivery.headers)


# -- requests that a recording does not tell


def statement_of(records: list[dict[str, Any]]) -> str:
    """The query that brings rows with these fields."""
    first: dict[str, Any] = {
        name: next((row[name] for row in records if row.get(name) is not None), None) for name in records[0]
    }
    return f"SELECT {', '.join(_selected(first))} FROM {first['attributes']['type']}"


def _selected(row: dict[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if name == "attributes":
            continue
        if isinstance(value, dict) and "records" in value:
            yield f"(SELECT {', '.join(_selected(value['records'][0]))} FROM {name})"
        elif isinstance(value, dict):
            yield from (f"{name}.{below}" for below in _selected(value))
        else:
            yield name


def ask_the_rows(world: World, request: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    """The page of a query that the recorded answer is, the statement being made from its rows.

    A locator in the address, or in the answer, tells how many rows a page had and which page it was.
    """
    records = world.body["records"]
    world.rows_of_reply(records)
    told = re.search(r"-(\d+)", str(request["path"])) or re.search(
        r"-(\d+)$", str(world.body.get("nextRecordsUrl"))
    )
    size = int(told[1]) if told else 0
    if size:
        with world.org.store.transaction():
            for _ in range(3 * size):
                world.row(world.org.schema[records[0]["attributes"]["type"]], {})
    address = f"/services/data/v60.0/query?q={quote_plus(statement_of(records))}"
    reply = send(world, "GET", address, batch_rows=size)
    if "/query/" not in request["path"]:
        return reply
    following = f"{reply[1]['nextRecordsUrl']}?{request['path'].partition('?')[2]}"
    reply = send(world, "GET", following, batch_rows=size)
    while world.body["done"] and not reply[1]["done"]:
        reply = send(world, "GET", reply[1]["nextRecordsUrl"], batch_rows=size)
    return reply


def ask_all_or_none(world: World, request: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    """The recorded records, all or none, one of them so that it is refused as recorded."""
    body = json.loads(world.translate(json.dumps({**request["body"], "allOrNone": True})))
    for record, result in zip(body["records"], world.body, strict=True):
        (error,) = result["errors"]
        if error["statusCode"] == "REQUIRED_FIELD_MISSING":
            del record[error["fields"][0]]
        elif error["statusCode"] == "INVALID_FIELD":
            record["unknownField_LastName"] = record.pop("LastName")
    return send(world, request["method"], forms(request["path"]), body)


VIEW: Any = {
    "columns": ["ACCOUNT.NAME", "ACCOUNT.SITE", "ACCOUNT.ADDRESS1_STATE", "ACCOUNT.PHONE1", "ACCOUNT.TYPE",
                "CORE.USERS.ALIAS"],
    "filterScope": ["Everything"],
    "label": ["All"],
}  # fmt: skip


def ask_a_list_view(world: World, request: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
    """The rows of a view with the recorded columns. They are of accounts, whatever the address says."""
    with world.org.transaction() as tx:
        component_type("ListView").write(tx, "Account.All", VIEW)
    world.row(world.org.schema["Account"], {"Name": "A", "Site": "S", "BillingState": "NY", "Phone": "1"})
    (view,) = world.org.rows("ListView")
    return send(world, "GET", f"/services/data/v60.0/sobjects/Account/listviews/{view['Id']}/results")
