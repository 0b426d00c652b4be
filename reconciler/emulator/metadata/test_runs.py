"""The Apex tests of a deployment: which run, and what they say.

Tests run when every component fits, after them and in the same transaction. Outcomes are those declared
for the org's test classes (`tooling.apex`). The org is no production org: without a level none run, and
coverage is told but not demanded.

Source: Metadata API Developer Guide, "Running Tests in a Deployment", "RunTestsResult".
"""

from typing import TYPE_CHECKING, Any

from reconciler.emulator.metadata.outcome import NO_TESTS, DeployOptions, Outcome

if TYPE_CHECKING:
    from reconciler.emulator.writes import Transaction

ALL_LEVELS = ("RunLocalTests", "RunAllTestsInOrg")


def run_tests(tx: "Transaction", options: DeployOptions, outcome: Outcome) -> dict[str, Any]:
    """The RunTestsResult of a deployment. Raises INVALID_INPUT for a test class that is not there."""
    asked = _asked(options, outcome)
    if asked is None or outcome.failures:
        return dict(NO_TESTS)
    from reconciler.emulator.tooling import test_runs

    if asked.get("testLevel") and not test_runs.test_classes(tx.org):
        return dict(NO_TESTS)
    return test_runs.run_now(tx.org, tx, test_runs.read_request(tx.org, asked))


def _asked(options: DeployOptions, outcome: Outcome) -> dict[str, Any] | None:
    """The test run in the words of the Tooling API; None for no run."""
    if options.test_level in ALL_LEVELS:
        return {"testLevel": options.test_level}
    names = list(options.run_tests)
    if options.test_level == "RunRelevantTests":
        names = _deployed_tests(outcome)
    return {"tests": [{"className": name} for name in names]} if names else None


def _deployed_tests(outcome: Outcome) -> list[str]:
    """Test classes of the package, which are relevant at least."""
    return [
        each["fullName"]
        for each in outcome.successes
        if each["componentType"] == "ApexClass" and "test" in each["fullName"].lower()
    ]
