"""How much one call may ask for: the platform's numbers, and those an org was given in their place.

A rehearsal with smaller numbers meets the limits of a large org with a few rows. What an org was given is
kept with it. The calls of a day are no bound of one call: `http.traffic` counts them, and
`http.endpoints.limits` has the other allowances.

Source: REST API Developer Guide, "sObject Collections", "Composite", "Composite Graph", "sObject Tree";
Salesforce Developer Limits, "SOQL and SOSL"; SOQL and SOSL Reference, "OFFSET"; Metadata API Developer Guide,
"createMetadata()".
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .org import EmulatedOrg

KEPT = "bounds"


class Bound(StrEnum):
    """What is bounded, by the name it is set with."""

    COLLECTION_RECORDS = "CollectionRecords"
    """Records of a call of the collections, or of the SOAP API, that writes."""
    COLLECTION_READS = "CollectionReads"
    """Ids of a call that reads several rows."""
    COMPOSITE_SUBREQUESTS = "CompositeSubrequests"
    COMPOSITE_QUERIES = "CompositeQueries"
    """Subrequests of a composite that are queries or collections."""
    BATCH_SUBREQUESTS = "BatchSubrequests"
    TREE_RECORDS = "TreeRecords"
    GRAPH_NODES = "GraphNodes"
    QUERY_CHARACTERS = "QueryCharacters"
    QUERY_OFFSET = "QueryOffset"
    METADATA_COMPONENTS = "MetadataComponents"
    """Components of a call of the Metadata API that reads or writes single ones."""
    METADATA_RECORDS = "MetadataRecords"
    """The same for custom metadata records and applications."""


USUAL: Mapping[Bound, int] = {
    Bound.COLLECTION_RECORDS: 200,
    Bound.COLLECTION_READS: 2_000,
    Bound.COMPOSITE_SUBREQUESTS: 25,
    Bound.COMPOSITE_QUERIES: 5,
    Bound.BATCH_SUBREQUESTS: 25,
    Bound.TREE_RECORDS: 200,
    Bound.GRAPH_NODES: 500,
    Bound.QUERY_CHARACTERS: 100_000,
    Bound.QUERY_OFFSET: 2_000,
    Bound.METADATA_COMPONENTS: 10,
    Bound.METADATA_RECORDS: 200,
}


def most(org: "EmulatedOrg", bound: Bound) -> int:
    """How many, or how much, one call to this org may ask for."""
    return _given(org).get(bound, USUAL[bound])


def bounds(org: "EmulatedOrg") -> dict[str, int]:
    """All of them by name."""
    return {str(bound): most(org, bound) for bound in Bound}


def bind(org: "EmulatedOrg", bound: Bound, number: int) -> None:
    """Give the org another number; also one above the platform's."""
    org.set_fact(KEPT, json.dumps({**_given(org), bound: number}))


def _given(org: "EmulatedOrg") -> Mapping[str, int]:
    kept = org.find_fact(KEPT)
    return {} if kept is None else _read(kept)


@lru_cache(maxsize=64)
def _read(kept: str) -> Mapping[str, int]:
    found: dict[str, int] = json.loads(kept)
    return found
