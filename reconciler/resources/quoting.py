"""What an org says about values that it was sent, with the secrets among them by their names.

Salesforce quotes what it refuses (`bad value for restricted picklist field: …`), and its refusals are
kept in the journal and printed.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from reconciler.model.errors import OrgError, Problem
from reconciler.model.outcome import Outcome, Refused, Unknown
from reconciler.model.values import Secret


def quoted(text: str, secrets: Mapping[str, str]) -> str:
    """``text`` with the values of ``secrets`` replaced, in whatever case the org repeats them."""
    for name, value in sorted(secrets.items(), key=lambda each: -len(each[1])):
        if value.strip():
            text = re.sub(re.escape(value.strip()), str(Secret(name)), text, flags=re.IGNORECASE)
    return text


def quoted_outcome(outcome: Outcome, secrets: Mapping[str, str]) -> Outcome:
    if isinstance(outcome, Refused):
        return replace(outcome, message=quoted(outcome.message, secrets))
    return replace(outcome, why=quoted(outcome.why, secrets)) if isinstance(outcome, Unknown) else outcome


def quoted_error(error: OrgError, secrets: Mapping[str, str]) -> OrgError:
    """``error`` with other words; its class and code stay, as they say whose move it is."""
    problems = [
        Problem(quoted(each.what, secrets), each.where, each.mend and quoted(each.mend, secrets))
        for each in error.problems
    ]
    return type(error)(*problems, code=error.code, status=error.status)
