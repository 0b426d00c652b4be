"""What a seed brought into an org, and what it could not bring."""

from dataclasses import dataclass, field

from reconciler.emulator.metadata_xml import Tree

Found = dict[str, dict[str, tuple[Tree, bytes]]]
"""Components by type and full name: the tree, and the XML it was read from."""


@dataclass(slots=True)
class LoadReport:
    """Names of what was made, counts of what was kept, and a line for each thing left out and why."""

    objects: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    stubs: list[str] = field(default_factory=list)
    """What was named but is no part of the seed, and was made up so that the rest loads: objects and fields
    of other packages, classes, pages and custom permissions. One that is named twice is here twice."""
    rows: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def made_row(self, sobject: str, count: int = 1) -> None:
        self.rows[sobject] = self.rows.get(sobject, 0) + count

    def remarks(self) -> list[str]:
        """A line for each thing that was made up and each that was left out."""
        made_up = (
            f"made up, because it is named but not there: {each}" for each in dict.fromkeys(self.stubs)
        )
        return [*made_up, *(f"left out: {each}" for each in self.problems)]
