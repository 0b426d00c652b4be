"""The Apex tests of a deployment: which run, and what they say.

Apex is not run here; outcomes are those declared for the org's test classes.

Source: Metadata API Developer Guide, "RunTestsResult"; "Running Tests in a Deployment".
"""

from typing import TYPE_CHECKING, Any

from reconciler.emulator.metadata.outcome import NO_TESTS, DeployOptions, Outcome

if TYPE_CHECKING:
    from reconciler.emulator.writes import Transaction


def run_tests(tx: "Transaction", options: DeployOptions, outcome: Outcome) -> dict[str, Any]:
    """The RunTestsResult of a deployment."""
    return dict(NO_TESTS)
