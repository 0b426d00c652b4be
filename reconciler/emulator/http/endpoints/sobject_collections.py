"""Up to 200 records in one call: create, update, upsert, delete, read.

The answer is 200 with one result a record, in the order sent, also when all failed. The call is one
transaction: each record is a savepoint in it, and with `allOrNone` a failure undoes all of them.

Source: REST API Developer Guide, "sObject Collections"; results as recorded.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from reconciler.emulator import events, ids
from reconciler.emulator.alike import delete_alike, insert_alike, update_alike, upsert_alike
from reconciler.emulator.bounds import Bound, most
from reconciler.emulator.errors import ApiError, InvalidField
from reconciler.emulator.http import dml
from reconciler.emulator.http.endpoints import external_ids, rows
from reconciler.emulator.http.endpoints.fields_asked import field_list
from reconciler.emulator.http.envelope import result_errors
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, SObject
from reconciler.emulator.writes import Transaction

MAX_RUNS = 10
"""Stretches of records of equal type in one call."""
ROLLED_BACK = ApiError(
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
    code="ALL_OR_NONE_OPERATION_ROLLED_BACK",
    fields=[],
)
NEEDS_TYPE = (
    "Nested object for polymorphic foreign key must have an attributes field before any other fields."
)
"""Of a record that does not say what it is. Recorded of an upsert; of other writes not verified."""

Write = Callable[[Transaction], dict[str, Any]]
Together = Callable[[Transaction], list[dict[str, Any]] | None]


class TooManyRecords(ApiError):
    """Source: "sObject Collections" for the limit; the code is that of its SOAP twin, not verified."""

    code = "EXCEEDED_ID_LIMIT"

    def __init__(self, most: int) -> None:
        super().__init__(f"record limit reached. cannot submit more than {most} records into this call")


def refuse_more(org: EmulatedOrg, count: int, bound: Bound = Bound.COLLECTION_RECORDS) -> None:
    """Raises `TooManyRecords` for a call about more records than one may have."""
    if count > (allowed := most(org, bound)):
        raise TooManyRecords(allowed)


class _Undo(Exception):
    """Leaves the transaction of an all-or-none call that failed."""


def _records(org: EmulatedOrg, request: Request) -> list[dict[str, Any]]:
    body = request.json
    records = body.get("records") if isinstance(body, dict) else None
    if not records:
        raise ApiError("At least 1 record is required", code="REQUIRED_FIELD_MISSING")
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise ApiError("records must be a list of records", code="JSON_PARSER_ERROR")
    refuse_more(org, len(records))
    return records


def _flag(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _all_or_none(request: Request) -> bool:
    return _flag(request.json.get("allOrNone", False))


def _type_name(record: dict[str, Any]) -> Any:
    attributes = record.get("attributes")
    return attributes.get("type") if isinstance(attributes, dict) else None


def _type_of(org: EmulatedOrg, request: Request, record: dict[str, Any]) -> SObject:
    name = _type_name(record)
    if not isinstance(name, str):
        raise ApiError(NEEDS_TYPE, code="JSON_PARSER_ERROR", fields=[])
    found = dml.schema_of(org, request).get(name)
    if found is None:
        raise ApiError(f"sObject type '{name}' is not supported.", code="INVALID_TYPE", fields=[])
    return found


def _check_runs(records: Sequence[dict[str, Any]]) -> list[str]:
    """The types of the records as written. Raises INVALID_INPUT where they change too often."""
    types = [str(_type_name(each)) for each in records]
    if len(set(types)) > 1:
        _check_chunks([each.lower() for each in types])
    return types


def _check_chunks(types: Sequence[str]) -> None:
    if 1 + sum(a != b for a, b in pairwise(types)) > MAX_RUNS:
        raise ApiError(
            f"Cannot have more than {MAX_RUNS} chunks in a single operation. Please rearrange the data to "
            "reduce chunking.",
            code="INVALID_INPUT",
        )


def run_all(
    org: EmulatedOrg,
    request: Request,
    writes: Iterable[Write],
    all_or_none: bool,
    together: Together | None = None,
) -> list[dict[str, Any]]:
    """Do the writes in one transaction; one result each.

    A refused one is undone alone, or with ``all_or_none`` takes the others with it. ``together`` is tried
    first: the results of all of them, or None and nothing done.
    """
    outcomes: list[dict[str, Any] | ApiError] = []
    try:
        with dml.transaction_of(org, request) as transaction:
            if together is not None and (results := together(transaction)) is not None:
                return results
            for write in writes:
                outcomes.append(dml.attempt(transaction, lambda write=write: write(transaction)))  # type: ignore[misc]  # default argument binds the loop variable
            if all_or_none and any(isinstance(each, ApiError) for each in outcomes):
                raise _Undo
    except _Undo:
        outcomes = [each if isinstance(each, ApiError) else ROLLED_BACK for each in outcomes]
    return [failure(each) if isinstance(each, ApiError) else each for each in outcomes]


def _success(record_id: str, **more: Any) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": [], **more}


def failure(error: ApiError) -> dict[str, Any]:
    """The result of a refused record."""
    return {"success": False, "errors": result_errors(error)}


@route("GET", "/composite")
def list_composite(org: EmulatedOrg, request: Request) -> Reply:
    """The composite resources of this version."""
    names = ("tree", "batch", "sobjects", "graph")
    return ok({name: f"{request.data_path}/composite/{name}" for name in names})


@route("POST", "/composite/sobjects", lacks=["assignment rules"])
def create_records(org: EmulatedOrg, request: Request) -> Reply:
    """Create records, of one type or several."""
    records = _records(org, request)
    types = _check_runs(records)

    def creating(record: dict[str, Any]) -> Write:
        def write(transaction: Transaction) -> dict[str, Any]:
            target = _type_of(org, request, record)
            fields = dml.record_fields(record)
            dml.check_lock(request, "", fields)
            record_id = transaction.insert(target.name, fields)
            return _success(record_id, errors=events.publish(transaction, target, record_id))

        return write

    def together(transaction: Transaction) -> list[dict[str, Any]] | None:
        target = _only_type(org, request, records, types)
        if target is None or events.is_event(target):
            return None
        made = insert_alike(transaction, target.name, records)
        return None if made is None else [_success(each) for each in made]

    return ok(run_all(org, request, map(creating, records), _all_or_none(request), together))


@route("PATCH", "/composite/sobjects", lacks=["assignment rules"])
def update_records(org: EmulatedOrg, request: Request) -> Reply:
    """Set fields of rows; each record carries its `id`, in any case."""
    records = _records(org, request)
    types = _check_runs(records)

    def updating(record: dict[str, Any]) -> Write:
        def write(transaction: Transaction) -> dict[str, Any]:
            target = _type_of(org, request, record)
            record_id, fields = _split_id(record)
            if not isinstance(record_id, str) or not record_id:
                raise ApiError("Id not specified in an update call", code="MISSING_ARGUMENT", fields=["Id"])
            wanted = _result_id(org, target, record_id)
            dml.check_lock(request, wanted, fields)
            transaction.update(target.name, wanted, fields)
            return _success(wanted)

        return write

    def together(transaction: Transaction) -> list[dict[str, Any]] | None:
        target = _only_type(org, request, records, types)
        made = None if target is None else update_alike(transaction, target.name, records)
        return None if made is None else [_success(each) for each in made]

    return ok(run_all(org, request, map(updating, records), _all_or_none(request), together))


def _only_type(
    org: EmulatedOrg, request: Request, records: Sequence[dict[str, Any]], types: Sequence[str]
) -> SObject | None:
    """The object of all records; None where they are of several, or must be looked at one by one."""
    if request.locked is not None or len(set(types)) > 1:
        return None
    try:
        return _type_of(org, request, records[0])
    except ApiError:
        return None


def _split_id(record: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    fields = dml.record_fields(record)
    names = [name for name in fields if name.lower() == "id"]
    return (fields.pop(names[0]) if names else None), fields


def _result_id(org: EmulatedOrg, sobject: SObject, record_id: str) -> str:
    try:
        return rows.row_id(org, sobject, record_id)
    except dml.NoSuchExternalId as error:
        raise ApiError(
            f"{sobject.label} ID: id value of incorrect type: {record_id}", code="MALFORMED_ID", fields=["Id"]
        ) from error


@route("PATCH", "/composite/sobjects/{sobject}/{field}", lacks=["assignment rules"])
def upsert_records(org: EmulatedOrg, request: Request, sobject: str, field: str) -> Reply:
    """Update or create records of one type by an external id, or by `Id` (absent or null: create).

    With `allOrNone`, an undone creation still says `created`: look at `success` first.
    """
    target = dml.sobject_of(org, sobject, request)
    key = external_ids.key_field(target, field)
    records = _records(org, request)
    twice = set(_keys_sent_twice(records, key))
    would_create: list[bool] = []

    def upserting(record: dict[str, Any]) -> Write:
        def write(transaction: Transaction) -> dict[str, Any]:
            would_create.append(False)
            if _type_of(org, request, record).name != target.name:
                raise ApiError(f"All records must be of type {target.name}", code="INVALID_INPUT", fields=[])
            value, fields = _split_key(record, key)
            if value is not None and _key_text(value) in twice:
                raise ApiError(
                    f"Duplicate external id specified: {value}", code="DUPLICATE_VALUE", fields=[key.name]
                )
            found = [] if value is None else external_ids.find_rows(org, target, key, str(value))
            would_create[-1] = not found and (key.name != "Id" or value is None)
            dml.check_lock(request, found[0] if found else "", {**fields, key.name: value})
            record_id, made = _upsert_one(org, transaction, target, key, value, fields)
            return _success(record_id, created=made)

        return write

    def together(transaction: Transaction) -> list[dict[str, Any]] | None:
        types = {str(_type_name(each)).lower() for each in records}
        if request.locked is not None or twice or types != {target.name.lower()}:
            return None
        made = upsert_alike(transaction, target.name, key.name, records)
        if made is None:
            return None
        would_create.extend(new for _, new in made)
        return [_success(each, created=new) for each, new in made]

    results = run_all(org, request, map(upserting, records), _all_or_none(request), together)
    return ok([_with_created(each, made) for each, made in zip(results, would_create, strict=True)])


def _with_created(result: dict[str, Any], would_create: bool) -> dict[str, Any]:
    return result if "created" in result else {**result, "created": would_create}


def _upsert_one(
    org: EmulatedOrg,
    transaction: Transaction,
    sobject: SObject,
    key: Field,
    value: Any,
    fields: dict[str, Any],
) -> tuple[str, bool]:
    if key.name == "Id":
        if value is None:
            return transaction.insert(sobject.name, fields), True
        wanted = _result_id(org, sobject, str(value))
        transaction.update(sobject.name, wanted, fields)
        return wanted, False
    if value is None:
        raise ApiError(f"{key.name} not specified", code="MISSING_ARGUMENT", fields=[])
    return transaction.upsert(sobject.name, key.name, value, fields)


def _split_key(record: dict[str, Any], key: Field) -> tuple[Any, dict[str, Any]]:
    fields = dml.record_fields(record)
    names = [name for name in fields if name.lower() == key.name.lower()]
    return (fields.pop(names[0]) if names else None), fields


def _key_text(value: Any) -> str:
    return str(value).lower()


def _keys_sent_twice(records: Sequence[dict[str, Any]], key: Field) -> Iterator[str]:
    seen = set()
    for record in records:
        value, _ = _split_key(record, key)
        if value is not None:
            text = _key_text(value)
            if text in seen:
                yield text
            seen.add(text)


@route("DELETE", "/composite/sobjects")
def delete_records(org: EmulatedOrg, request: Request) -> Reply:
    """Delete the rows in `ids`, of any types."""
    wanted = [each.strip() for each in request.params.get("ids", "").split(",") if each.strip()]
    if not wanted:
        raise ApiError("The ids parameter is required", code="REQUIRED_FIELD_MISSING")
    refuse_more(org, len(wanted))

    def deleting(record_id: str) -> Write:
        def write(transaction: Transaction) -> dict[str, Any]:
            target = org.schema.by_prefix(record_id[:3])
            if target is None or ids.parse(record_id) is None:
                raise ApiError(f"malformed id {record_id}", code="MALFORMED_ID", fields=[])
            whole = dml.same_id(record_id)
            dml.check_lock(request, whole, {})
            transaction.delete(target.name, whole)
            return _success(whole)

        return write

    def together(transaction: Transaction) -> list[dict[str, Any]] | None:
        target = org.schema.by_prefix(wanted[0][:3])
        if target is None or request.locked is not None:
            return None
        done = delete_alike(transaction, org.tables[target.name], wanted)
        return None if done is None else [_success(each) for each in done]

    all_or_none = _flag(request.params.get("allOrNone", "false"))
    return ok(run_all(org, request, map(deleting, wanted), all_or_none, together))


@route("GET", "/composite/sobjects/{sobject}")
def read_records(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The rows in `ids`, with the fields in `fields`; `null` for one that is gone."""
    wanted = [each for each in request.params.get("ids", "").split(",") if each]
    return _read(org, request, sobject, wanted, field_list(request) or [])


@route("POST", "/composite/sobjects/{sobject}")
def read_many_records(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """As by GET, with `ids` and `fields` in the body."""
    body = request.json
    if not isinstance(body, dict):
        raise ApiError("ids and fields are required", code="JSON_PARSER_ERROR")
    wanted, fields = (body.get(name) or [] for name in ("ids", "fields"))
    if not isinstance(wanted, list) or not isinstance(fields, list):
        raise ApiError("ids and fields must be lists", code="JSON_PARSER_ERROR")
    return _read(org, request, sobject, wanted, [str(each) for each in fields])


def _read(org: EmulatedOrg, request: Request, sobject: str, wanted: list[str], fields: list[str]) -> Reply:
    target = dml.sobject_of(org, sobject, request)
    if not wanted:
        raise ApiError("At least 1 id is required", code="REQUIRED_FIELD_MISSING")
    if not fields:
        raise ApiError("At least 1 field is required", code="REQUIRED_FIELD_MISSING")
    refuse_more(org, len(wanted), Bound.COLLECTION_READS)
    for name in fields:
        if "." not in name and target.field(name) is None:
            raise InvalidField(f"No such column '{name}' on sobject of type {target.name}")
    found: list[dict[str, Any] | None] = []
    for record_id in wanted:
        try:
            row = org.retrieve(
                target.name, str(record_id), fields, version=request.version, user_id=request.user_id
            )
            found.append(row)
        except ApiError as error:
            if error.code not in ("NOT_FOUND", "ENTITY_IS_DELETED"):
                raise
            found.append(None)
    return ok(found)
