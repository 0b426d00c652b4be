"""Claims about users, roles, permission sets and their groups, public groups, queues and settings."""

from typing import Any

import pytest

from reconciler.model.errors import SpecError

BOT = """
users:
  bot@acme.example: {LastName: Bot, Email: bot@acme.example, Profile: {Name: Standard User}%s}
"""


def refusal(stage: Any, text: str, error: type[Exception] = SpecError) -> str:
    before = stage.org.snapshot()
    with pytest.raises(error) as refused:
        stage.apply(text)
    assert stage.org.snapshot() == before
    return str(refused.value)


def user(stage: Any, username: str) -> dict[str, Any]:
    (row,) = stage.org.rows("User", Username=username)
    return dict(row)


# ── users ────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_user_takes_the_orgs_own_locale_and_an_alias(kit: Any) -> None:
    plan = kit.plan(BOT % "")
    after = plan.steps[0].after
    assert after["TimeZoneSidKey"] == "America/Los_Angeles" and after["Alias"] == "bot"
    kit.apply(plan)
    assert kit.plan(BOT % "").steps == []


def test_taking_back_a_new_user_leaves_an_inactive_one_and_says_so_before(kit: Any) -> None:
    plan = kit.plan(BOT % ", permission_sets: [Ops]" + "permission_sets: {Ops: {}}")
    step = next(step for step in plan.steps if step.kind == "User")
    assert step.reversibility.value == "compensating" and "inactive user stays behind" in step.remark
    assert step.undo.after == {"IsActive": False}
    kit.apply(plan)
    back = kit.plan_revert(plan)
    kit.apply(back, verb="revert")
    assert user(kit, "bot@acme.example")["IsActive"] == 0
    kit.revert(back)
    assert user(kit, "bot@acme.example")["IsActive"] == 1
    assert kit.plan(BOT % ", permission_sets: [Ops]" + "permission_sets: {Ops: {}}").steps == []


def test_a_user_is_active_again_before_anything_is_assigned_to_him(kit: Any) -> None:
    common = "IsActive: true, Profile: {Name: Standard User}, permission_sets: [Ops]"
    text = f"""
        users:
          chief@acme.example: {{LastName: Chief, Email: c@a.test, UserRole: {{DeveloperName: A}}, {common}}}
          clerk@acme.example:
            {{LastName: Clerk, Email: d@acme.example, UserRole: {{DeveloperName: B}}, {common},
             Manager: {{Username: chief@acme.example}}}}
        roles: {{B: {{parent: A}}, A: {{}}}}
        permission_sets: {{Ops: {{}}}}
    """
    plan = kit.plan(text)
    kit.apply(plan)
    kit.revert(plan)
    assert user(kit, "clerk@acme.example")["IsActive"] == 0
    assert kit.apply(text).status.value == "applied"
    assert kit.plan(text).steps == []


def test_a_user_may_be_made_inactive(kit: Any) -> None:
    text = BOT % ", IsActive: false"
    kit.apply(text)
    assert user(kit, "bot@acme.example")["IsActive"] == 0
    assert kit.plan(text).steps == []


def test_a_users_fields_change_and_change_back(kit: Any, goes_round: Any) -> None:
    plan = goes_round(
        kit,
        """
        roles: {Clerk: {}}
        users:
          ada@acme.example:
            LastName: Lovelace
            Email: new@acme.example
            Profile: {Name: Read Only}
            UserRole: {DeveloperName: Clerk}
            Manager: {Username: bob@acme.example}
        """,
    )
    step = next(step for step in plan.steps if step.kind == "User")
    assert any("mail" in each for each in step.side_effects)
    assert any("sharing" in each for each in step.side_effects)
    assert dict(plan.impact.losing) == {"ada@acme.example": ("Profile Standard User",)}
    assert dict(plan.impact.gaining) == {"ada@acme.example": ("Profile Read Only",)}


def test_a_username_or_mail_in_another_case_is_no_change(kit: Any) -> None:
    assert kit.plan("users: {ADA@Acme.example: {Email: Ada@ACME.example}}").steps == []


def test_a_login_is_frozen_and_thawed(kit: Any, goes_round: Any) -> None:
    plan = goes_round(kit, "users: {ada@acme.example: {frozen: true}}")
    assert kit.addresses(plan) == ["update UserLogin/ada@acme.example"]
    assert kit.plan("users: {ada@acme.example: {frozen: false}}").steps == []


def test_a_user_and_his_manager_are_made_in_one_plan(kit: Any) -> None:
    text = BOT % ", Manager: {Username: chief@acme.example}" + (
        "  chief@acme.example: {LastName: Chief, Email: c@acme.example, Profile: {Name: Standard User}}\n"
    )
    kit.apply(text)
    assert user(kit, "bot@acme.example")["ManagerId"] == user(kit, "chief@acme.example")["Id"]
    assert kit.plan(text).steps == []


def test_an_inactive_user_is_remarked_on(kit: Any) -> None:
    kit.apply("users: {ada@acme.example: {$absent: true}}")
    plan = kit.plan("users: {ada@acme.example: {LastName: Ada}}")
    assert any("ada@acme.example is inactive" in each for each in plan.warnings)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("users: {bot: {}}", "a username has the form of an e-mail address"),
        ("users: {bot@acme.example: {LastName: Bot}}", "lacks required fields: Email, ProfileId"),
        ("users: {ada@acme.example: {Profile: {Name: Nope}}}", "names Profile Nope"),
        ("users: {ada@acme.example: {permission_set: [Ops]}}", "did you mean 'permission_sets'?"),
        ("users: {ada@acme.example: {frozen: maybe}}", "'frozen' must be true or false"),
        ("users: {ada@acme.example: {LastName: null}}", "'LastName' of User/ada@acme.example must not be"),
        ("users: [ada@acme.example]", "must be a map"),
    ],
)
def test_a_user_that_cannot_be_is_refused_at_its_line(kit: Any, text: str, complaint: str) -> None:
    said = refusal(kit, text)
    assert complaint in said and "state.yaml:2:" in said


# ── roles ────────────────────────────────────────────────────────────────────────────────────────


def test_roles_are_made_parents_first_and_deleted_children_first(kit: Any, goes_round: Any) -> None:
    chain = "roles: {C: {parent: B}, B: {parent: A}, A: {}}"
    plan = kit.plan(chain)
    assert kit.addresses(plan) == [f"create UserRole/{each}" for each in "ABC"]
    kit.apply(plan)
    gone = goes_round(kit, "roles: {A: {$absent: true}, B: {$absent: true}, C: {$absent: true}}")
    assert kit.addresses(gone) == [f"delete UserRole/{each}" for each in "CBA"]


def test_a_role_moves_under_another_and_to_the_top(kit: Any, goes_round: Any) -> None:
    kit.apply("roles: {A: {}, B: {}, C: {parent: A}}")
    goes_round(kit, "roles: {C: {parent: B}}")
    plan = goes_round(kit, "roles: {C: {parent: null}}")
    assert "sharing is recalculated" in plan.steps[0].side_effects


def test_a_user_leaves_a_role_before_it_is_deleted(kit: Any, goes_round: Any) -> None:
    kit.apply("roles: {A: {}}\nusers: {ada@acme.example: {UserRole: {DeveloperName: A}}}")
    plan = goes_round(kit, "roles: {A: {$absent: true}}\nusers: {ada@acme.example: {UserRole: null}}")
    assert kit.addresses(plan) == ["update User/ada@acme.example", "delete UserRole/A"]


def test_a_ring_of_new_roles_is_refused_or_linked_never_half_made(kit: Any) -> None:
    said = refusal(kit, "roles: {A: {parent: Z}}")
    assert "names UserRole Z, which is not in the org nor declared" in said


# ── permission sets ──────────────────────────────────────────────────────────────────────────────


def test_rights_are_owned_for_the_objects_named_and_no_others(kit: Any, goes_round: Any) -> None:
    kit.apply("permission_sets: {Ops: {objects: {Gadget__c: [read, edit], Account: [read]}}}")
    plan = goes_round(kit, "permission_sets: {Ops: {objects: {Gadget__c: [read, create]}}}")
    assert kit.addresses(plan) == ["update ObjectPermissions/Ops/Gadget__c"]
    assert dict(plan.impact.gaining) == {"holders of Ops": ("create Gadget__c",)}
    assert dict(plan.impact.losing) == {"holders of Ops": ("edit Gadget__c",)}


def test_an_empty_list_of_rights_takes_all_of_them(kit: Any, goes_round: Any) -> None:
    rights = "{objects: {Gadget__c: [read, edit]}, fields: {Gadget__c.Text__c: [read, edit]}}"
    kit.apply(f"permission_sets: {{Ops: {rights}}}")
    plan = goes_round(kit, "permission_sets: {Ops: {fields: {Gadget__c.Text__c: []}}}")
    assert kit.addresses(plan) == ["delete FieldPermissions/Ops/Gadget__c.Text__c"]
    assert dict(plan.impact.losing) == {
        "holders of Ops": ("read Gadget__c.Text__c", "edit Gadget__c.Text__c")
    }
    both = "permission_sets: {Ops: {objects: {Gadget__c: []}, fields: {Gadget__c.Text__c: []}}}"
    goes_round(kit, both)


def test_a_custom_permission_is_given_and_taken(kit: Any, goes_round: Any) -> None:
    given = "permission_sets: {Ops: {custom_permissions: [Override_Margins]}}"
    goes_round(kit, given)
    kit.apply(given)
    plan = goes_round(kit, "permission_sets: {Ops: {custom_permissions: {excludes: [Override_Margins]}}}")
    assert [step.action.value for step in plan.steps] == ["delete"]
    assert dict(plan.impact.losing) == {"holders of Ops": ("CustomPermission Override_Margins",)}


def test_a_system_permission_is_a_field_of_the_set(kit: Any, goes_round: Any) -> None:
    kit.apply("permission_sets: {Ops: {}}")
    plan = goes_round(kit, "permission_sets: {Ops: {PermissionsViewSetup: true}}")
    assert kit.addresses(plan) == ["update PermissionSet/Ops"]


def test_a_deleted_set_comes_back_with_its_rights_and_holders_when_they_were_declared_away(
    kit: Any, goes_round: Any
) -> None:
    kit.apply(
        """
        permission_sets:
          Ops: {objects: {Gadget__c: [read]}, PermissionsViewSetup: true, assigned_to: [ada@acme.example]}
        """
    )
    kit.apply("permission_sets: {Ops: {assigned_to: {exactly: []}, objects: {Gadget__c: []}}}")
    goes_round(kit, "permission_sets: {Ops: {$absent: true}}")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{objects: {Gadget__c: [edit]}}", "'edit' on Gadget__c needs read"),
        ("{objects: {Gadget__c: [read, modify_all]}}", "needs edit and delete and view_all"),
        ("{objects: {Gadget__c: [raed]}}", "did you mean 'read'?"),
        ("{objects: {Gadget__c: read}}", "must be a list"),
        ("{objects: [Gadget__c]}", "must be a map of names to rights"),
        ("{fields: {Gadget__c.Text__c: [edit]}}", "needs read"),
        ("{fields: {Text__c: [read]}}", "must name object and field"),
        ("{license: Nope}", "names PermissionSetLicense Nope"),
        ("{custom_permissions: [Nope]}", "names CustomPermission Nope"),
        ("{custom_permissions: {exactly: []}}", "cannot be exact"),
        ("{label: null}", "must not be empty"),
        ("{label: a, Label: b}", "'label' and 'Label' say the same"),
        ("{lable: x}", "did you mean 'label'?"),
        ("{PermissionsNope: true}", "no field 'PermissionsNope'"),
    ],
)
def test_a_permission_set_that_cannot_be_is_refused_at_its_line(kit: Any, body: str, complaint: str) -> None:
    said = refusal(kit, f"permission_sets:\n  Ops: {body}")
    assert complaint in said and "state.yaml:3:" in said


def test_the_sets_of_a_group_are_exact_without_touching_others(kit: Any, goes_round: Any) -> None:
    sets = "permission_sets: {A: {}, B: {}, C: {}}\n"
    kit.apply(sets + "permission_set_groups: {All: {permission_sets: [A, B]}, Other: {permission_sets: [A]}}")
    plan = goes_round(kit, "permission_set_groups: {All: {permission_sets: {exactly: [B, C]}}}")
    assert sorted(kit.addresses(plan)) == [
        "create PermissionSetGroupComponent/All/C",
        "delete PermissionSetGroupComponent/All/A",
    ]
    assert any("recalculates" in each for each in plan.steps[0].side_effects)


def test_a_whole_group_is_deleted_with_its_parts_declared_away(kit: Any, goes_round: Any) -> None:
    kit.apply("permission_sets: {A: {}}\npermission_set_groups: {All: {permission_sets: [A]}}")
    kit.apply("permission_set_groups: {All: {permission_sets: {exactly: []}}}")
    goes_round(kit, "permission_sets: {A: {$absent: true}}\npermission_set_groups: {All: {$absent: true}}")


# ── public groups and queues ─────────────────────────────────────────────────────────────────────


def test_members_of_all_sorts_are_exact(kit: Any, goes_round: Any) -> None:
    kit.apply(
        """
        roles: {Boss: {}}
        public_groups:
          Inner: {}
          Outer: {members: [ada@acme.example, {group: Inner}, {role: Boss}]}
        """
    )
    plan = goes_round(
        kit,
        "public_groups: {Outer: {members: {exactly: [{role: Boss}, {role_and_subordinates: Boss}]}}}",
    )
    assert sorted(kit.addresses(plan)) == [
        "create GroupMember/Regular/Outer/role_and_subordinates:Boss",
        "delete GroupMember/Regular/Outer/ada@acme.example",
        "delete GroupMember/Regular/Outer/group:Inner",
    ]
    assert dict(plan.impact.losing)["ada@acme.example"] == ("membership of Outer",)
    assert all("sharing is recalculated" in step.side_effects for step in plan.steps)


def test_members_of_an_exact_list_that_are_there_are_nothing_to_do(kit: Any) -> None:
    text = """
    roles: {Boss: {}}
    public_groups: {Inner: {}, Outer: {members: {exactly: [ada@acme.example, {group: Inner}, {role: Boss}]}}}
    """
    kit.apply(text)
    assert kit.addresses(kit.plan(text)) == []


def test_a_queues_members_and_objects_are_exact_each_on_its_own(kit: Any, goes_round: Any) -> None:
    kit.apply("queues: {Tier_1: {objects: [Case, Lead], members: [ada@acme.example]}}")
    plan = goes_round(kit, "queues: {Tier_1: {objects: {exactly: [Lead]}}}")
    assert kit.addresses(plan) == ["delete QueueSobject/Tier_1/Case"]
    plan = goes_round(kit, "queues: {Tier_1: {members: {exactly: [bob@acme.example]}}}")
    assert sorted(kit.addresses(plan)) == [
        "create GroupMember/Queue/Tier_1/bob@acme.example",
        "delete GroupMember/Queue/Tier_1/ada@acme.example",
    ]


def test_a_queue_and_a_group_of_one_name_are_two(kit: Any, goes_round: Any) -> None:
    goes_round(
        kit,
        """
        queues: {Same: {members: [ada@acme.example], objects: [Case]}}
        public_groups: {Same: {members: {exactly: [bob@acme.example]}}}
        """,
    )


def test_a_queue_is_emptied_and_deleted_and_comes_back(kit: Any, goes_round: Any) -> None:
    kit.apply("queues: {Tier_1: {objects: [Case], members: [ada@acme.example]}}")
    kit.apply("queues: {Tier_1: {objects: {exactly: []}, members: {exactly: []}}}")
    goes_round(kit, "queues: {Tier_1: {$absent: true}}")


def test_records_leave_a_queue_before_it_is_deleted(kit: Any, goes_round: Any) -> None:
    gadget = "records: {Gadget__c: {$key: Code__c, rows: {G: {Owner: %s}}}}"
    kit.apply("queues: {Tier_1: {objects: [Gadget__c]}}\n" + gadget % "{Queue: Tier_1}")
    text = "queues: {Tier_1: {$absent: true}}\n" + gadget % "{Username: ada@acme.example}"
    plan = kit.plan(text)
    assert kit.addresses(plan) == ["update Gadget__c/G", "delete Queue/Tier_1"]
    kit.apply(plan)
    assert kit.plan(text).steps == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("queues: {Q: {members: [nobody@acme.example]}}", "names User nobody@acme.example"),
        ("public_groups: {G: {members: [{team: x}]}}", "must name one of: user, group, role"),
        ("public_groups: {G: {objects: [Case]}}", "unknown key 'objects'"),
        ("public_groups: {G: {members: {exactly: [], $limit: x}}}", "count or a percentage"),
        ("queues: {Q: {label: null}}", "must not be empty"),
    ],
)
def test_a_group_that_cannot_be_is_refused_at_its_line(kit: Any, text: str, complaint: str) -> None:
    said = refusal(kit, text)
    assert complaint in said and "state.yaml:2:" in said


# ── custom settings ──────────────────────────────────────────────────────────────────────────────


def test_settings_of_org_profile_and_user_change_apart(kit: Any, goes_round: Any) -> None:
    text = """
    custom_settings:
      Limits__c:
        org: {Daily__c: %s}
        profile: {Standard User: {Daily__c: 7}}
        user: {ada@acme.example: {Daily__c: 9}}
    """
    kit.apply(text % 5)
    plan = goes_round(kit, text % 6)
    assert kit.addresses(plan) == ["update Limits__c/org"]


def test_a_row_of_a_list_setting_changes_and_keeps_what_is_not_said(kit: Any, goes_round: Any) -> None:
    kit.apply("custom_settings: {Regions__c: {list: {EMEA: {Limit__c: 5}, NA: {Limit__c: 6}}}}")
    assert kit.plan("custom_settings: {Regions__c: {list: {EMEA: {}}}}").steps == []
    plan = goes_round(kit, "custom_settings: {Regions__c: {list: {EMEA: {Limit__c: null}}}}")
    assert kit.addresses(plan) == ["update Regions__c/list/EMEA"]


def test_settings_are_not_written_with_setup_rows(kit: Any) -> None:
    plan = kit.plan(BOT % "" + "custom_settings: {Limits__c: {user: {bot@acme.example: {Daily__c: 1}}}}\n")
    assert [step.sobject for step in plan.steps] == ["User", "Limits__c"]
    assert len({step.call for step in plan.steps}) == 2
    kit.apply(plan)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("Limits__c: {org: x}", "must be a map"),
        ("Limits__c: {orgg: {}}", "did you mean 'org'?"),
        ("Limits__c: {profile: {Nope: {Daily__c: 1}}}", "names Profile Nope"),
        ("Limits__c: {org: {Dialy__c: 1}}", "did you mean 'Daily__c'?"),
        ("Limits__c: {org: {Daily__c: many}}", "must be a number"),
        ("Gadget__c: {org: {Text__c: x}}", "'Gadget__c' is no custom setting"),
        ("Regions__c: {org: {Limit__c: 1}}", "Regions__c"),
        ("Nope__c: {org: {}}", "no object 'Nope__c'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_its_line(kit: Any, body: str, complaint: str) -> None:
    said = refusal(kit, f"custom_settings:\n  {body}")
    assert complaint in said and "state.yaml:3:" in said
