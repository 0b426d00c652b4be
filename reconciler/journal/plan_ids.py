"""Names of plans: ``2031-05-04-uat-1f3ak``.

The date first, so that names sort by day; then the org, so that nobody reverts in the wrong one;
then five random characters of Crockford's base 32, which has no letters that are misread for
others. Uniqueness is the plan table's: `Journal.save_plan` refuses a name that another plan has.
"""

import re
import secrets
from datetime import UTC, datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
RANDOM_CHARACTERS = 5
ORG_CHARACTERS = 24


def new_plan_id(now: datetime, org_name: str) -> str:
    """A fresh name for a plan made at ``now`` (any time zone; the day is UTC's) for ``org_name``.

    What is no letter, digit or hyphen in the org's name becomes a hyphen, so that a plan id never
    needs quoting in a shell, a path or a URL.
    """
    org = re.sub(r"[^a-z0-9]+", "-", org_name.lower()).strip("-")[:ORG_CHARACTERS].rstrip("-") or "org"
    tail = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return f"{now.astimezone(UTC):%Y-%m-%d}-{org}-{tail}"
