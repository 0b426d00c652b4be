"""What a deployment is told to do and what came of it, as values that last in the store as JSON.

Keys are the words of the API, so that a stored outcome is what is answered.

Source: Metadata API Developer Guide, "deploy()", "checkDeployStatus()"; the public WSDL of API 63.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulator.metadata.component_types import ComponentProblem
from reconciler.emulator.metadata_xml import Tree, flag, text, texts

TEST_LEVELS = (
    "NoTestRun",
    "RunSpecifiedTests",
    "RunLocalTests",
    "RunAllTestsInOrg",
    "RunRelevantTests",
)
FLAGS = (
    "allowMissingFiles",
    "autoUpdatePackage",
    "checkOnly",
    "ignoreWarnings",
    "performRetrieve",
    "purgeOnDelete",
    "rollbackOnError",
    "singlePackage",
)


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """Options of one deployment, by the API's names. Flags that are not given are False."""

    flags: Mapping[str, bool]
    run_tests: tuple[str, ...] = ()
    test_level: str | None = None

    def __getitem__(self, name: str) -> bool:
        return self.flags[name]

    @classmethod
    def of_tree(cls, tree: Tree) -> "DeployOptions":
        return cls(
            {name: flag(tree, name) for name in FLAGS},
            tuple(each for each in texts(tree, "runTests") if each),
            text(tree, "testLevel") or None,
        )

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> "DeployOptions":
        """Flags may be texts: some clients send `"true"`."""
        tests = told.get("runTests") or ()
        return cls(
            {name: str(told.get(name, False)).lower() == "true" for name in FLAGS},
            (tests,) if isinstance(tests, str) else tuple(str(each) for each in tests),
            str(told["testLevel"]) if told.get("testLevel") else None,
        )

    def to_json(self) -> dict[str, Any]:
        return {**self.flags, "runTests": list(self.run_tests) or None, "testLevel": self.test_level}


Message = dict[str, Any]
"""One DeployMessage, in the WSDL's order; None where an element is left out."""


def message(
    file: str,
    full_name: str,
    type_name: str,
    *,
    record_id: str | None = None,
    created: bool = False,
    changed: bool = False,
    deleted: bool = False,
    problem: ComponentProblem | str | None = None,
    warning: bool = False,
    success: bool | None = None,
) -> Message:
    """``success`` follows from the problem unless given; `createdDate` is set when the outcome is known."""
    known = problem if isinstance(problem, ComponentProblem) else None
    told = known.problem if known else problem
    return {
        "changed": changed,
        "columnNumber": known.column if known else None,
        "componentType": type_name,
        "created": created,
        "createdDate": None,
        "deleted": deleted,
        "fileName": file,
        "fullName": full_name,
        "id": record_id or None,
        "lineNumber": known.line if known else None,
        "problem": told,
        "problemType": None if told is None else "Warning" if warning else "Error",
        "success": told is None if success is None else success,
    }


NO_TESTS: dict[str, Any] = {
    "codeCoverage": [],
    "codeCoverageWarnings": [],
    "failures": [],
    "flowCoverage": [],
    "flowCoverageWarnings": [],
    "numFailures": 0,
    "numTestsRun": 0,
    "successes": [],
    "totalTime": 0.0,
}
"""A RunTestsResult when none ran."""


@dataclass(slots=True)
class Outcome:
    """What came of a deployment. ``error`` is set when it failed as a whole."""

    messages: list[Message] = field(default_factory=list)
    tests: dict[str, Any] = field(default_factory=lambda: dict(NO_TESTS))
    error: tuple[str, str] | None = None
    """Status code and message."""
    retrieved: dict[str, Any] | None = None
    """The RetrieveResult of a deployment that was to retrieve as well."""

    @property
    def failures(self) -> list[Message]:
        return [each for each in self.messages if not each["success"]]

    @property
    def successes(self) -> list[Message]:
        return [each for each in self.messages if each["success"]]

    @property
    def components(self) -> list[Message]:
        """All but the successes of manifests, which are no components."""
        return [each for each in self.messages if each["componentType"] or not each["success"]]

    def add(self, *messages: Message) -> None:
        self.messages.extend(messages)

    def add_all(self, messages: Iterable[Message]) -> None:
        self.messages.extend(messages)
