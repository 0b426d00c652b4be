"""Pages of query results, and the locators behind which the rest waits.

Rows of child subqueries count toward a page as their parents do. Where the children of a parent do not
fit, its result ends early with a locator of its own, and the page ends with that parent. A page asked for
again is the same one.

Source: SOQL and SOSL Reference, "Change the Batch Size in Queries"; REST API Developer Guide, "Query
Options Header". Users have shown children cut at 499 (jsforce issue 577 of 2016, simple-salesforce issue
311 of 2019), as if the default were 500 then, and at 199 for long texts (jsforce pull request 1752 of
2025); the default here is the documented 2,000.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.message import Request
from reconciler.emulator.http.traffic import Cursor, traffic
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.soql.columns import ColumnInfo
from reconciler.emulator.soql.run import CHILD_KEYS, QueryResult

PAGE_ROWS = 2000
FEWEST_PAGE_ROWS = 200
LONG_TEXT = 255
"""Characters past which a text area is a long one."""
BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
LOCATOR = re.compile(r"([0-9A-Za-z]{15,18})-(\d{1,9})\Z")

Records: TypeAlias = Sequence[dict[str, Any]]
Address: TypeAlias = Callable[[str], str]
"""From a locator with its offset to the address that the next page has."""


class InvalidQueryLocator(ApiError):
    """Source: as users report it; seen with 404 and 400."""

    code = "INVALID_QUERY_LOCATOR"

    def __init__(self) -> None:
        super().__init__("invalid query locator")


def page_rows(request: Request) -> int:
    """Rows of a page: what the client asks for, within Salesforce's bounds."""
    wanted = BATCH_SIZE.search(request.headers.find("sforce-query-options"))
    return bounded(wanted[1]) if wanted else PAGE_ROWS


def bounded(rows: str) -> int:
    """The size of a page that Salesforce gives to who asks for one of ``rows``, which are digits."""
    return min(PAGE_ROWS, max(FEWEST_PAGE_ROWS, int(rows[:9])))


def open_result(org: EmulatedOrg, user_id: str, result: QueryResult, rows: int) -> Cursor:
    """The result of a query, to be read in pages of ``rows``; fewer where its texts are long."""
    if _long_texts(result.columns) > 1:
        rows = min(rows, FEWEST_PAGE_ROWS)
    now = org.clock.now_ms()
    return Cursor(user_id, result.records, result.total_size, rows, now, nested=result.has_children)


def _long_texts(columns: Sequence[ColumnInfo]) -> int:
    own = (each.about for each in columns if each.about and each.about.custom)
    long = sum(each.type == "textarea" and (each.length or 0) > LONG_TEXT for each in own)
    return long + sum(_long_texts(each.joined) for each in columns)


def resume(org: EmulatedOrg, request: Request, text: str) -> tuple[Cursor, str, int]:
    """The result behind a locator, the locator alone and the first row that was not read yet."""
    found = LOCATOR.match(text)
    cursor = found and traffic(org).cursor(found[1], request.user_id, org.clock.now_ms())
    if not found or not cursor or int(found[2]) > len(cursor.records):
        raise InvalidQueryLocator
    return cursor, found[1], int(found[2])


def page_of(
    org: EmulatedOrg, cursor: Cursor, locator: str, start: int, address: Address
) -> tuple[Records, str | None]:
    """The records of a page, and the locator with its offset for the next one; None after the last.

    ``locator`` is empty for a first page: one is made if there is a second.
    """
    end = start + cursor.page_rows
    shown = cursor.records[start:end]
    if cursor.nested:
        taken = _Shared(org, cursor, address).take(shown)
        if len(taken) < len(shown):
            end = start + len(taken)
        shown = taken
    if end >= len(cursor.records):
        return shown, None
    return shown, f"{locator or traffic(org).open_cursor(cursor)}-{end}"


class _Shared:
    """The places of one page, taken by parents and children in the order they are written."""

    def __init__(self, org: EmulatedOrg, cursor: Cursor, address: Address) -> None:
        self.org, self.cursor, self.address = org, cursor, address
        self.left = cursor.page_rows

    def take(self, records: Records) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = []
        for record in records:
            if not self.left:
                break
            self.left -= 1
            shown.append({name: self._value(value) for name, value in record.items()})
        return shown

    def _value(self, value: Any) -> Any:
        if not isinstance(value, dict) or value.keys() != CHILD_KEYS:
            return value
        records = value["records"]
        shown = self.take(records)
        if len(shown) == len(records):
            return {**value, "records": shown}
        whole = replace(self.cursor, records=records, total_size=value["totalSize"], children=[])
        locator = traffic(self.org).open_cursor(whole)
        self.cursor.children.append(locator)
        address = self.address(f"{locator}-{len(shown)}")
        return {"totalSize": value["totalSize"], "done": False, "nextRecordsUrl": address, "records": shown}
