"""How long jobs take in this org and how many it allows; kept with the org, settable by tests.

With the delays at 0 a job is done when it is next looked at. What a call answers is what Salesforce
answers then: a job just closed is UploadComplete, a batch just added is Queued.

Source: Salesforce Developer Limits and Allocations, "Bulk API and Bulk API 2.0".
"""

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..org import EmulatedOrg

FACT = "bulk_settings"


@dataclass(frozen=True, slots=True)
class Settings:
    queue_ms: int = 0
    """From closing a job, or adding a batch, to its first row."""
    batch_ms: int = 0
    """What 10,000 rows take, and a query."""
    daily_batches: int = 15_000
    daily_query_jobs: int = 10_000
    upload_bytes: int = 150_000_000
    """Of one upload to a 2.0 job."""
    batch_bytes: int = 10_000_000
    """Of one batch of a 1.0 job."""


def settings(org: "EmulatedOrg") -> Settings:
    kept = org.find_fact(FACT)
    return Settings(**json.loads(kept)) if kept else Settings()


def configure(org: "EmulatedOrg", **changes: int) -> Settings:
    """Change some settings. Raises ValueError for a name there is none of, or a value that is no count."""
    known = {each.name for each in fields(Settings)}
    for name, value in changes.items():
        if name not in known or type(value) is not int or value < 0:
            raise ValueError(
                f"no setting of bulk jobs: {name}={value!r}; there are {', '.join(sorted(known))}"
            )
    changed = replace(settings(org), **changes)
    org.set_fact(FACT, json.dumps(asdict(changed)))
    return changed
