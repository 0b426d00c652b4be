"""Describes: what objects there are, what one object is.

A describe has a version, so that clients may keep it: its tag is made of its content, its time is
when this front first saw that content, which is never earlier than the change.

Source: REST API Developer Guide, "Describe Global", "sObject Basic Information", "sObject Describe",
"Conditional Request Headers".
"""

import json
import zlib
from collections.abc import Callable
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.http import conditional, dml
from reconciler.emulator.http.describe_form import describe, global_entry
from reconciler.emulator.http.endpoints.recent import recent_rows
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject

MAX_BATCH = 200


@route("GET", "/sobjects")
def describe_global(org: EmulatedOrg, request: Request) -> Reply:
    """All objects, by name."""

    def make() -> dict[str, Any]:
        entries = [global_entry(each, request.data_path) for each in dml.schema_of(org, request)]
        return {"encoding": "UTF-8", "maxBatchSize": MAX_BATCH, "sobjects": entries}

    return versioned(org, request, "", make)


@route("GET", "/sobjects/{sobject}")
def basic_information(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """One object as the global describe lists it, and the rows last changed."""
    target = dml.sobject_of(org, sobject, request)
    entry = global_entry(target, request.data_path)
    return ok({"objectDescribe": entry, "recentItems": recent_rows(org, request, [target], 5)})


@route(
    "GET",
    "/sobjects/{sobject}/describe",
)
def describe_sobject(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The whole describe of an object, unless the client has it (304)."""
    target = dml.sobject_of(org, sobject, request)

    def make() -> dict[str, Any]:
        return describe(
            dml.schema_of(org, request),
            target,
            request.data_path,
            request.base_url,
            record_type_ids(org, target),
        )

    return versioned(org, request, target.name, make)


def record_type_ids(org: EmulatedOrg, sobject: SObject) -> dict[str, str]:
    """Ids of an object's record types by developer name, the master's aside."""
    if not sobject.record_types:
        return {}
    rows = org.store.execute(
        'SELECT "DeveloperName", "Id" FROM "RecordType" WHERE "SobjectType" = ?', (sobject.name,)
    )
    return {name: ids.to_text(number) for name, number in rows}


def versioned(org: EmulatedOrg, request: Request, what: str, make: Callable[[], Any]) -> Reply:
    """What ``make`` answers, with a version; 304 if the client has it. ``what`` names it among describes."""
    value = make()
    tag = f"{zlib.crc32(json.dumps(value, separators=(',', ':')).encode()):08x}"
    version = conditional.Version(_seen_since(org, f"{request.data_path} {what}", tag), tag)
    return conditional.refuse_read(request, version) or ok(value, 200, **version.headers)


def _seen_since(org: EmulatedOrg, what: str, tag: str) -> int:
    """The second since which this describe is so; always later than of the one before."""
    stamps = traffic(org).metadata_stamps
    known = stamps.get(what)
    if known is None or known[0] != tag:
        now = org.clock.now_ms() // 1000
        known = stamps[what] = (tag, now if known is None else max(now, known[1] + 1))
    return known[1]
