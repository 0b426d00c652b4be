"""The Apex tests of a deployment: which run, and what they say.

Tests run when every component fits, after them and in the same transaction. Outcomes are those declared
for the org's test classes (`tooling.apex`), the coverage too, and a deployment with too little of it fails.
The org is no production org: without a level none run.

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
    from reconciler.emulator.tooling import coverage, test_runs

    of_all = "testLevel" in asked
    if of_all and not test_runs.test_classes(tx.org):
        return dict(NO_TESTS)
    told = test_runs.run_now(tx.org, tx, test_runs.read_request(tx.org, asked))
    ran = dict.fromkeys(each["name"] for each in (*told["successes"], *told["failures"]))
    selected = None if of_all else _deployed(outcome, "ApexClass", "ApexTrigger")
    return {**told, "codeCoverageWarnings": coverage.demand(tx.org, list(ran), selected)}


def _asked(options: DeployOptions, outcome: Outcome) -> dict[str, Any] | None:
    """The test run in the words of the Tooling API; None for no run."""
    if options.test_level in ALL_LEVELS:
        return {"testLevel": options.test_level}
    names = list(options.run_tests)
    if options.test_level == "RunRelevantTests":
        names = [each for each in _deployed(outcome, "ApexClass") if "test" in each.lower()]
    return {"tests": [{"className": name} for name in names]} if names else None


def _deployed(outcome: Outcome, *types: str) -> list[str]:
    """What the package has of these types; its test classes are relevant at least."""
    return [each["fullName"] for each in outcome.successes if each["componentType"] in types]
