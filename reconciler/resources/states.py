"""State files to desired state: the sections of all files, read by the kinds that own them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.model.errors import Problem, SpecError
from reconciler.model.state import DesiredState
from reconciler.model.values import digest
from reconciler.spec.load import StateDocument, load_states
from reconciler.spec.variables import OrgContext, VariableValues

from .circles import circle_problems, dangling_problems
from .declare import Declarations
from .registry import SECTIONS


def load_desired(
    paths: Sequence[Path],
    *,
    org: OrgContext | None,
    assigned: Mapping[str, str],
    var_files: Sequence[Path],
    environ: Mapping[str, str],
) -> tuple[DesiredState, Mapping[str, str]]:
    """What ``paths`` declare, and the clear values of secret variables by name.

    Costs no API call. Without an ``org``, values that it would give are stood in for. Raises
    `SpecError` with all problems of all files.
    """
    values = VariableValues(files=var_files, assigned=assigned, environ=environ)
    problems: list[Problem] = []
    document = load_states(
        paths,
        values=values,
        org=org,
        sections=[section.name for section in SECTIONS],
        problems=problems,
    )
    declared = declare(document)
    problems.extend(declared.problems)
    if not problems:  # what could not be read may be what is named
        problems.extend(dangling_problems(declared.resources))
    problems.extend(circle_problems(declared.certain))
    if problems:
        raise SpecError.of(problems)
    desired = DesiredState(
        resources=declared.resources,
        scopes=declared.scopes,
        digest=_digest(document, declared),
        release=document.release,
        files=document.files,
        warnings=(*(str(each) for each in document.warnings), *declared.warnings),
    )
    return desired, document.secrets


def _digest(document: StateDocument, declared: Declarations) -> str:
    """Over the state and the rows of the files that it names: a changed CSV is a changed state."""
    if not declared.record_files:
        return document.digest
    return digest({"state": document.digest, "files": sorted(declared.record_files.items())})


def declare(document: StateDocument) -> Declarations:
    """The resources and scopes of a document; problems are gathered in it."""
    into = Declarations(root=document.root)
    by_name = {section.name: section for section in SECTIONS}
    for name, node in document.sections:
        by_name[name].declare(node, into)
    return into
