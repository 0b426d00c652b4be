"""Claims about who has which permission set, group and licence."""

from typing import Any

import pytest

from reconciler.model.errors import PlanRefused, SpecError

SETS = "permission_sets: {Ops: {}, Sales: {}}\n"
IN_A_YEAR, LATER = "2032-01-01T00:00:00Z", "2033-01-01T00:00:00Z"


def holders(stage: Any, name: str) -> dict[str, str | None]:
    """Who has the permission set, and until when."""
    sets = {row["Id"]: row["Name"] for row in stage.org.rows("PermissionSet")}
    users = {row["Id"]: row["Username"] for row in stage.org.rows("User")}
    return {
        users[row["AssigneeId"]]: row["ExpirationDate"]
        for row in stage.org.rows("PermissionSetAssignment")
        if sets[row["PermissionSetId"]] == name
    }


def refusal(stage: Any, text: str, error: type[Exception] = SpecError) -> str:
    """The complaint; nothing is written."""
    before = stage.org.snapshot()
    with pytest.raises(error) as refused:
        stage.apply(text)
    assert stage.org.snapshot() == before
    return str(refused.value)


def test_an_assignment_may_be_declared_on_both_sides(kit: Any, goes_round: Any) -> None:
    text = """
    users: {ada@acme.example: {permission_sets: [Ops]}}
    permission_sets: {Ops: {assigned_to: [ada@acme.example, bob@acme.example]}}
    """
    plan = goes_round(kit, text)
    assert len([step for step in plan.steps if step.kind == "PermissionSetAssignment"]) == 2


def test_sides_that_write_a_username_in_different_case_mean_one_assignment(kit: Any) -> None:
    plan = kit.plan("""
    users: {Ada@ACME.example: {permission_sets: [Ops]}}
    permission_sets: {Ops: {assigned_to: [ada@acme.example]}}
    """)
    assert len([step for step in plan.steps if step.kind == "PermissionSetAssignment"]) == 1


@pytest.mark.parametrize("first", ["users", "permission_sets"])
def test_the_side_that_says_when_it_expires_wins_over_the_one_that_says_nothing(kit: Any, first: str) -> None:
    sides = {
        "users": "users: {ada@acme.example: {permission_sets: [Ops]}}\n",
        "permission_sets": "permission_sets: {Ops: {assigned_to: "
        f"[{{user: ada@acme.example, expires: '{IN_A_YEAR}'}}]}}}}\n",
    }
    other = next(name for name in sides if name != first)
    kit.apply(sides[first] + sides[other])
    assert holders(kit, "Ops")["ada@acme.example"] is not None


def test_sides_that_contradict_each_other_are_refused_and_both_are_named(kit: Any) -> None:
    said = refusal(
        kit,
        """
        users: {ada@acme.example: {permission_sets: {excludes: [Ops]}}}
        permission_sets: {Ops: {assigned_to: [ada@acme.example]}}
        """,
    )
    assert "PermissionSetAssignment/ada@acme.example/Ops is both there and not there" in said
    assert "state.yaml:3:" in said and "state.yaml:2:" in said


def test_two_dates_of_expiry_for_one_assignment_are_refused(kit: Any) -> None:
    said = refusal(
        kit,
        f"""
        permission_sets:
          Ops:
            assigned_to:
              - {{user: ada@acme.example, expires: "{IN_A_YEAR}"}}
              - {{user: ada@acme.example, expires: "{LATER}"}}
        """,
    )
    assert "ExpirationDate" in said and IN_A_YEAR in said and LATER in said


def expiring(when: str | None) -> str:
    return f"""
    permission_sets:
      Ops: {{assigned_to: [{{user: ada@acme.example, expires: {f'"{when}"' if when else "null"}}}]}}
    """


@pytest.mark.parametrize(("was", "becomes"), [(None, IN_A_YEAR), (IN_A_YEAR, LATER), (IN_A_YEAR, None)])
def test_an_expiry_is_added_changed_and_removed_without_losing_the_assignment(
    kit: Any, goes_round: Any, was: str | None, becomes: str | None
) -> None:
    kit.apply(expiring(was))
    plan = goes_round(kit, expiring(becomes))
    assert kit.addresses(plan) == ["update PermissionSetAssignment/ada@acme.example/Ops"]


def test_an_expiry_that_no_file_mentions_is_left_alone(kit: Any) -> None:
    kit.apply(expiring(IN_A_YEAR))
    assert kit.plan("permission_sets: {Ops: {assigned_to: [ada@acme.example]}}").steps == []
    assert holders(kit, "Ops")["ada@acme.example"] is not None


def test_exactly_takes_it_from_everybody_else(kit: Any, goes_round: Any) -> None:
    kit.apply("permission_sets: {Ops: {assigned_to: [ada@acme.example, bob@acme.example]}}")
    plan = goes_round(kit, "permission_sets: {Ops: {assigned_to: {exactly: [bob@acme.example]}}}")
    assert kit.addresses(plan) == ["delete PermissionSetAssignment/ada@acme.example/Ops"]
    assert "exactly" in plan.steps[0].reason
    assert dict(plan.impact.losing) == {"ada@acme.example": ("Ops",)}


def test_exactly_nobody_takes_it_from_all(kit: Any, goes_round: Any) -> None:
    kit.apply("permission_sets: {Ops: {assigned_to: [ada@acme.example, bob@acme.example]}}")
    plan = goes_round(kit, "permission_sets: {Ops: {assigned_to: {exactly: []}}}")
    assert len(plan.steps) == 2


def test_a_member_of_an_exact_list_may_be_written_in_another_case(kit: Any) -> None:
    kit.apply("permission_sets: {Ops: {assigned_to: [ada@acme.example]}}")
    assert kit.plan("permission_sets: {Ops: {assigned_to: {exactly: [ADA@acme.example]}}}").steps == []


def test_an_expiry_put_back_by_a_revert_of_exactly_is_the_old_one(kit: Any, goes_round: Any) -> None:
    kit.apply(expiring(IN_A_YEAR))
    goes_round(kit, "permission_sets: {Ops: {assigned_to: {exactly: []}}}")
    assert holders(kit, "Ops")["ada@acme.example"] is not None


@pytest.mark.parametrize(("limit", "allowed"), [("1", False), ("2", True), ("50%", False), ("100%", True)])
def test_exactly_removes_no_more_than_its_limit(kit: Any, limit: str, allowed: bool) -> None:
    kit.apply("permission_sets: {Ops: {assigned_to: [ada@acme.example, bob@acme.example]}}")
    text = f"permission_sets: {{Ops: {{assigned_to: {{exactly: [], $limit: {limit}}}}}}}"
    if allowed:
        kit.apply(text)
        assert holders(kit, "Ops") == {}
    else:
        assert "2 of 2 would be changed or removed" in refusal(kit, text, PlanRefused)
        assert len(holders(kit, "Ops")) == 2


def test_excludes_takes_it_from_those_alone_and_not_from_those_who_never_had_it(
    kit: Any, goes_round: Any
) -> None:
    kit.apply(SETS + "users: {ada@acme.example: {permission_sets: [Ops]}}")
    text = "permission_sets: {Ops: {assigned_to: {excludes: [ada@acme.example, bob@acme.example]}}}"
    plan = goes_round(kit, text)
    assert kit.addresses(plan) == ["delete PermissionSetAssignment/ada@acme.example/Ops"]


def test_includes_and_excludes_stand_side_by_side(kit: Any) -> None:
    kit.apply("permission_sets: {Ops: {assigned_to: [ada@acme.example]}}")
    kit.apply(
        "permission_sets: {Ops: {assigned_to: {includes: [bob@acme.example], excludes: [ada@acme.example]}}}"
    )
    assert set(holders(kit, "Ops")) == {"bob@acme.example"}


def test_a_group_assigned_and_taken_away_exactly_goes_round(kit: Any, goes_round: Any) -> None:
    groups = "permission_set_groups: {All: {permission_sets: [Ops], assigned_to: %s}}\n"
    kit.apply(SETS + groups % "[ada@acme.example]")
    plan = goes_round(kit, SETS + groups % "{exactly: [bob@acme.example]}")
    assert sorted(kit.addresses(plan)) == [
        "create PermissionSetGroupAssignment/bob@acme.example/All",
        "delete PermissionSetGroupAssignment/ada@acme.example/All",
    ]


def test_a_set_and_a_group_of_one_name_are_two_assignments(kit: Any, goes_round: Any) -> None:
    goes_round(
        kit,
        """
        users: {ada@acme.example: {permission_sets: [Ops], permission_set_groups: [Ops]}}
        permission_sets: {Ops: {}}
        permission_set_groups: {Ops: {permission_sets: [Ops]}}
        """,
    )


def test_licences_are_given_before_the_sets_that_need_them(kit: Any, goes_round: Any) -> None:
    plan = goes_round(
        kit,
        """
        permission_sets: {Sellers: {license: SalesUserPsl, assigned_to: [ada@acme.example]}}
        users: {ada@acme.example: {permission_set_licenses: [SalesUserPsl]}}
        """,
    )
    order = kit.addresses(plan)
    licence = order.index("create PermissionSetLicenseAssign/ada@acme.example/SalesUserPsl")
    assert licence < order.index("create PermissionSetAssignment/ada@acme.example/Sellers")


def test_exact_holders_of_a_licence_go_round(kit: Any, goes_round: Any) -> None:
    kit.apply("permission_set_licenses: {SalesUserPsl: {assigned_to: [ada@acme.example]}}")
    text = "permission_set_licenses: {SalesUserPsl: {assigned_to: {exactly: [bob@acme.example]}}}"
    assert len(goes_round(kit, text).steps) == 2


def test_a_permission_set_is_complete_before_anybody_has_it(kit: Any) -> None:
    plan = kit.plan("""
    permission_sets:
      Ops:
        objects: {Gadget__c: [read, edit]}
        fields: {Gadget__c.Count__c: [read]}
        custom_permissions: [Override_Margins]
        assigned_to: [ada@acme.example]
    """)
    kinds = [step.kind for step in plan.steps]
    assert kinds[0] == "PermissionSet" and kinds[-1] == "PermissionSetAssignment"
    assert kinds.index("ObjectPermissions") < kinds.index("FieldPermissions")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("permission_sets: {Ops: {assigned_to: [carl@acme.example]}}", "names User carl@acme.example"),
        ("users: {ada@acme.example: {permission_sets: [Nope]}}", "names PermissionSet Nope"),
        ("users: {ada@acme.example: {permission_set_groups: [Nope]}}", "names PermissionSetGroup Nope"),
        ("permission_set_licenses: {Nope: {assigned_to: [ada@acme.example]}}", "PermissionSetLicense Nope"),
        ("permission_sets: {Ops: {assigned_to: {exactly: [], includes: []}}}", "both includes and exactly"),
        ("permission_sets: {Ops: {assigned_to: {exatly: []}}}", "did you mean 'exactly'?"),
        ("permission_sets: {Ops: {assigned_to: ada@acme.example}}", "must be a list of names"),
        ("permission_sets: {Ops: {assigned_to: [{user: ada@acme.example, til: x}]}}", "unknown key 'til'"),
        ("permission_sets: {Ops: {assigned_to: {exactly: [], $limit: many}}}", "count or a percentage"),
        ("permission_sets: {Ops: {assigned_to: [{user: ada@acme.example, expires: soon}]}}", "date and time"),
    ],
)
def test_what_cannot_be_assigned_is_refused_at_its_line(kit: Any, text: str, complaint: str) -> None:
    said = refusal(kit, text)
    assert complaint in said
    assert "state.yaml:2:" in said
