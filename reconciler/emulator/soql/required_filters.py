"""Objects that answer only when asked for something in particular: those over metadata, and links of files.

Source: SOQL and SOSL Reference; the text on links as recorded, that on reified columns partly.
"""

from collections.abc import Iterator

from ..schema import SObject
from .refusals import malformed
from .tree import Among, And, Comparison, Condition, Or, Path, Query, SemiJoin

LINK_ENDS = ("contentdocumentid", "linkedentityid")


def check_required(sobject: SObject, query: Query) -> None:
    """Raises MALFORMED_QUERY for a query without the filter that its object demands."""
    if sobject.name == "ContentDocumentLink":
        _check_links(query.where)
    if not sobject.filter_required:
        return
    used = {part.lower() for path in _filtered(query.where) for part in path.parts}
    for name in sobject.filter_required:
        found = sobject.field(name)
        relationship = (found.relationship_name or "").lower() if found else ""
        if name.lower() in used or (relationship and relationship in used):
            return
    wanted = ",".join(sobject.filter_required)
    raise malformed(f"{sobject.name}: a filter on a reified column is required [{wanted}]")


def _check_links(condition: Condition | None) -> None:
    """Links of files are found by one of their two ends alone."""
    for test in condition.operands if isinstance(condition, And) else (condition,):
        if isinstance(test, Among | SemiJoin):
            fits = not test.negated
        elif isinstance(test, Comparison):
            fits = test.operator == "="
        else:
            continue
        if fits and isinstance(test.left, Path) and test.left.parts[-1].lower() in LINK_ENDS:
            return
    raise malformed(
        "Implementation restriction: ContentDocumentLink requires a filter by a single Id on "
        "ContentDocumentId or LinkedEntityId using the equals operator or multiple Id's using the IN "
        "operator."
    )


def _filtered(condition: Condition | None) -> Iterator[Path]:
    if isinstance(condition, And):
        for each in condition.operands:
            yield from _filtered(each)
    elif isinstance(condition, Or):
        yield from _filtered(condition.operands[0])
    elif isinstance(condition, Comparison | Among | SemiJoin) and isinstance(condition.left, Path):
        yield condition.left
