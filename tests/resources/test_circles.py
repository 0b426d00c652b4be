"""What stands on itself is told with its path and before any org is asked."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.model.errors import SpecError
from reconciler.resources.states import load_desired

ROWS = "reconcile: 1\nrecords:\n  Account:\n    $key: Account_Code__c\n    rows:\n"

CIRCLES: dict[str, tuple[str, str]] = {
    "two rows": (
        ROWS + "      A: {$depends_on: [Account/B]}\n      B: {$depends_on: [Account/A]}\n",
        "6:25: these stand on each other in a circle: Account/A → Account/B → Account/A",
    ),
    "one row": (
        ROWS + "      A: {$depends_on: [Account/A]}\n",
        "6:25: these stand on each other in a circle",
    ),
    "a row and a kind": (
        ROWS + "      A: {$depends_on: [PermissionSet]}\npermission_sets:\n  P: {$depends_on: [Account]}\n",
        "6:25: these stand on each other in a circle: Account/A → PermissionSet/P → Account/A",
    ),
    "a set and who has it": (
        "reconcile: 1\npermission_sets:\n"
        "  P: {assigned_to: [a@b.c], $depends_on: [PermissionSetAssignment/a@b.c/P]}\n",
        "3:43: these stand on each other in a circle: "
        "PermissionSet/P → PermissionSetAssignment/a@b.c/P → PermissionSet/P",
    ),
    "roles": (
        "reconcile: 1\nroles:\n  A: {parent: B}\n  B: {parent: C}\n  C: {parent: A}\n",
        "3:15: these roles stand above each other in a circle: "
        "UserRole/A → UserRole/B → UserRole/C → UserRole/A",
    ),
    "a role above itself": (
        "reconcile: 1\nroles:\n  A: {parent: a}\n",
        "3:15: these roles stand above each other in a circle: UserRole/A → UserRole/A",
    ),
    "groups": (
        "reconcile: 1\npublic_groups:\n  A: {members: [{group: B}]}\n  B: {members: [{group: A}]}\n",
        "3:17: these groups are members of each other in a circle: Group/A → Group/B → Group/A",
    ),
}

NO_CIRCLES: dict[str, str] = {
    "look-ups that can wait": ROWS
    + "      A: {Parent: {Account_Code__c: B}}\n      B: {Parent: {Account_Code__c: A}}\n",
    "alternatives of which an org has one": (
        ROWS + "      A: {$when: {tags: [x]}, $depends_on: [Account/B]}\n"
        "      B: {$when: {tags: [x]}}\n      C: {}\n"
    ),
    "a kind that depends on its kind": ROWS + "      A: {$depends_on: [Account]}\n      B: {}\n",
    "what goes after what comes": (
        ROWS + "      A: {$absent: true, $depends_on: [Account/B]}\n      B: {$depends_on: [Account/A]}\n"
    ),
}


def load(folder: Path, text: str) -> Any:
    (folder / "s.yaml").write_text(text, encoding="utf-8")
    return load_desired([folder / "s.yaml"], org=None, assigned={}, var_files=(), environ={})


@pytest.mark.parametrize("name", CIRCLES)
def test_a_circle_is_told_offline_with_its_path(tmp_path: Path, name: str) -> None:
    text, said = CIRCLES[name]
    with pytest.raises(SpecError) as refused:
        load(tmp_path, text)
    (problem,) = refused.value.problems
    assert str(problem).startswith(f"{tmp_path / 's.yaml'}:{said}")
    assert problem.mend == "take one of them out"


@pytest.mark.parametrize("name", NO_CIRCLES)
def test_what_some_order_can_write_is_no_circle(tmp_path: Path, name: str) -> None:
    desired, _ = load(tmp_path, NO_CIRCLES[name])
    assert desired.resources


def test_all_circles_and_other_problems_come_in_one_run(tmp_path: Path) -> None:
    text = CIRCLES["roles"][0] + CIRCLES["groups"][0].removeprefix("reconcile: 1\n") + "usres: {}\n"
    with pytest.raises(SpecError) as refused:
        load(tmp_path, text)
    assert [each.where and each.where.line for each in refused.value.problems] == [3, 7, 9]


def test_a_need_for_nobody_is_told_with_who_was_meant(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refused:
        load(tmp_path, ROWS + "      ACME: {}\n      B: {$depends_on: [Account/ACM]}\n")
    (problem,) = refused.value.problems
    assert problem.where is not None and problem.where[1:] == (7, 25)
    assert problem.mend == "did you mean 'Account/ACME'?"
