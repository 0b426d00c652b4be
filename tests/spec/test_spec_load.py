"""Claims about loading states: files, includes, variables, expansion, and all problems at once."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.errors import SpecError
from reconciler.model.source import SourceRef
from reconciler.model.values import Secret
from reconciler.spec import expand
from reconciler.spec.nodes import Plain
from reconciler.spec.typed import Duplicates
from reconciler.spec.variables import OrgContext, VariableValues

UAT = OrgContext("uat", frozenset({"sandbox"}))


def in_org(**variables: Any) -> OrgContext:
    return OrgContext("uat", frozenset({"sandbox"}), variables)


# -- the document ------------------------------------------------------------------------------------


def test_sections_checks_and_release_come_in_file_order(folder: Any) -> None:
    folder.state("release: summer\nusers: {a: {}}\nchecks: [{name: x}]\nrecords: {}\n", "s/1.yaml")
    folder.state("users: {b: {}}\nchecks: [{name: z}]\n", "s/2.yml")
    folder.write("s/.hidden.yaml", "not: read\n")
    document = folder.load("s")
    assert document.files == ("s/1.yaml", "s/2.yml")
    assert [(name, dict(node)) for name, node in document.sections] == [
        ("users", {"a": {}}), ("records", {}), ("users", {"b": {}}),
    ]  # fmt: skip
    assert [check["name"] for part in document.checks for check in part] == ["x", "z"]
    assert document.release == "summer"


def test_an_unknown_top_level_key_gets_the_nearest_one(folder: Any) -> None:
    assert folder.one_problem("recrods: {}\n") == (
        "a.yaml:2:1: unknown key 'recrods' in a state\n  mend: did you mean 'records'?"
    )


def test_a_misspelt_version_key_hides_the_missing_one(folder: Any) -> None:
    folder.write("a.yaml", "reconcil: 1\nusers: {}\n")
    assert folder.problems() == [
        "a.yaml:1:1: unknown key 'reconcil' in a state\n  mend: did you mean 'reconcile'?"
    ]


def test_the_version_must_be_there_and_be_one(folder: Any) -> None:
    folder.write("a.yaml", "users: {}\n")
    folder.write("b.yaml", "reconcile: 2\n")
    assert folder.problems("a.yaml", "b.yaml") == [
        "a.yaml:1:1: 'reconcile: 1' is missing\n  mend: begin the file with 'reconcile: 1'",
        "b.yaml:1:12: 'reconcile' must be 1, found the number 2\n"
        "  mend: write 'reconcile: 1', or use the release of reconcile that this state was written for",
    ]


@pytest.mark.parametrize("body", ["users: 5\n", "users: [a]\n", "users:\n"])
def test_a_section_that_is_no_map_is_refused(folder: Any, body: str) -> None:
    assert folder.one_problem(body).startswith("a.yaml:2:")
    assert "'users' must be a map" in folder.one_problem(body)


def test_a_missing_file_and_an_empty_directory_are_named(folder: Any) -> None:
    (folder.path / "empty").mkdir()
    found = folder.problems("none.yaml", "empty")
    assert found[0].startswith("empty:1:1: 'empty' holds no *.yaml file")
    assert found[1].startswith("none.yaml:1:1: 'none.yaml' cannot be read: No such file")


def test_the_orgs_yaml_of_a_directory_is_no_state(folder: Any) -> None:
    folder.state("users: {u: {LastName: Bot}}\n", "states/a.yaml")
    folder.write("states/orgs.yaml", "orgs: {demo: {emulated: true}}\n")
    assert list(folder.load("states").files) == ["states/a.yaml"]


def test_problems_of_several_files_come_in_one_run_in_line_order(folder: Any) -> None:
    folder.state("users:\n\tx: 1\n", "a.yaml")
    folder.state("usres: {}\nusers: {u: {x: '${nothing}', y: no}}\nqueues: [\n", "b.yaml")
    folder.state("variables: {v: {type: strng}}\nusers: {u: {$abset: true}}\n", "c.yaml")
    found = folder.problems("c.yaml", "b.yaml", "a.yaml")
    assert [each.split(": ")[0] for each in found] == [
        "a.yaml:3:1", "b.yaml:3:33", "b.yaml:5:1", "c.yaml:2:23", "c.yaml:3:13",
    ]  # fmt: skip


def test_two_releases_are_refused_naming_both(folder: Any) -> None:
    folder.state("release: one\n", "a.yaml")
    folder.state("release: two\n", "b.yaml")
    assert folder.problems("a.yaml", "b.yaml") == [
        "b.yaml:2:10: the release is 'two' here and 'one' at a.yaml:2:10\n  mend: name one release"
    ]


def test_problems_can_be_gathered_with_those_of_the_kinds(folder: Any) -> None:
    folder.state("users: {a: {x: no}}\n")
    gathered: list[Any] = []
    document = folder.load(problems=gathered)
    assert len(gathered) == 1
    assert dict(document.sections)["users"]["a"] == {"x": "no"}


def test_a_key_twice_across_files_names_both_places() -> None:
    seen = Duplicates()
    problems: list[Any] = []
    assert seen.add(("Account", "ACME"), SourceRef("a.yaml", 3, 1), "Account ACME", problems)
    assert not seen.add(("Account", "ACME"), SourceRef("b.yaml", 7, 1), "Account ACME", problems)
    assert str(problems[0]) == (
        "b.yaml:7:1: Account ACME is written twice; the first is at a.yaml:3:1\n  mend: keep one of the two"
    )


# -- digest ------------------------------------------------------------------------------------------


def test_the_digest_does_not_see_layout_comments_or_the_split_into_files(folder: Any) -> None:
    folder.state("users: {a: {x: 1, y: 't'}, b: {}}\nchecks: [{name: p}, {name: q}]\n")
    folder.state("# new\nusers:\n  a:\n    y: t\n    x: 1\ninclude: c.yaml\nchecks: [{name: q}]\n", "b.yaml")
    folder.write("c.yaml", "checks: [{name: p}]\nusers: {b: {}}\n")
    assert folder.load("a.yaml").digest == folder.load("b.yaml").digest


@pytest.mark.parametrize(
    "body", ["users: {a: {x: '1'}}", "users: {a: {x: 2}}", "users: {a: {}}", "queues: {}"]
)
def test_the_digest_sees_what_is_said(folder: Any, body: str) -> None:
    folder.state("users: {a: {x: 1}}\n")
    folder.state(body + "\n", "b.yaml")
    assert folder.load("a.yaml").digest != folder.load("b.yaml").digest


def test_the_digest_does_not_depend_on_the_value_of_a_secret(folder: Any) -> None:
    folder.state("variables: {t: {type: secret}}\nusers: {a: {x: '${t}'}}\n")
    digests = {
        folder.load(org=UAT, values=VariableValues(environ={"RECONCILE_VAR_t": clear})).digest
        for clear in ("one", "two")
    }
    assert len(digests) == 1


# -- includes ----------------------------------------------------------------------------------------


def test_an_included_file_is_read_once_and_needs_no_version(folder: Any) -> None:
    folder.state("include: [sub/b.yaml, sub/b.yaml, 'sub/*.yaml', sub]\nusers: {a: {}}\n")
    folder.write("sub/b.yaml", "users: {b: {}}\n")
    folder.write("sub/c.yaml", "include: ../d.yaml\n")
    folder.write("d.yaml", "users: {d: {}}\n")
    document = folder.load()
    assert document.files == ("a.yaml", "sub/b.yaml", "sub/c.yaml", "d.yaml")
    assert [key for _, node in document.sections for key in node] == ["a", "b", "d"]


def test_an_include_cycle_is_refused_with_its_path(folder: Any) -> None:
    folder.state("include: b.yaml\n")
    folder.write("b.yaml", "include: [c.yaml]\n")
    folder.write("c.yaml", "include:\n  - b.yaml\n")
    assert folder.problems() == [
        "c.yaml:2:5: 'b.yaml' includes itself: b.yaml → c.yaml → b.yaml\n  mend: remove one of these includes"
    ]


def test_a_pattern_may_match_the_file_it_stands_in(folder: Any) -> None:
    folder.state("include: '*.yaml'\n")
    folder.write("b.yaml", "users: {}\n")
    assert folder.load().files == ("a.yaml", "b.yaml")


OUTSIDE = ["../outside.yaml", "/etc/hostname", "link.yaml", "dir/../../outside.yaml", "linked/x.yaml",
           "../*.yaml", "linked/*.yaml", "~/x.yaml", "C:/x.yaml"]  # fmt: skip


@pytest.mark.parametrize("written", OUTSIDE)
def test_an_include_that_leaves_the_project_is_refused(folder: Any, tmp_path: Path, written: str) -> None:
    project = tmp_path / "project"
    (project / "dir").mkdir(parents=True)
    (project / ".git").mkdir()
    (tmp_path / "outside.yaml").write_text("users: {stolen: {}}\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/x.yaml").write_text("users: {stolen: {}}\n")
    (project / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (project / "linked").symlink_to(tmp_path / "elsewhere")
    folder.state(f"include: '{written}'\n", "project/a.yaml")
    gathered: list[Any] = []
    document = folder.load("project/a.yaml", problems=gathered)
    assert [str(problem.where) for problem in gathered] == ["project/a.yaml:2:10"]
    assert "outside" in gathered[0].what or "absolute" in gathered[0].what
    assert document.sections == []


def test_a_link_inside_a_directory_that_leads_out_is_refused(folder: Any, tmp_path: Path) -> None:
    (tmp_path / "p/in").mkdir(parents=True)
    (tmp_path / "out.yaml").write_text("users: {stolen: {}}\n")
    (tmp_path / "p/in/l.yaml").symlink_to(tmp_path / "out.yaml")
    folder.state("include: in\n", "p/a.yaml")
    found = folder.problems("p/a.yaml", root=tmp_path / "p")
    assert len(found) == 1
    assert "leads outside" in found[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_and_a_device_are_refused_without_waiting(folder: Any) -> None:
    os.mkfifo(folder.path / "pipe.yaml")
    folder.state("include: pipe.yaml\n")
    assert folder.problems()[0].startswith("a.yaml:2:10: 'pipe.yaml' is not a regular file")
    assert "is not a regular file" in folder.problems("pipe.yaml")[0]
    assert "is not a regular file" in folder.problems("/dev/null")[0]


def test_an_include_that_is_not_there_is_refused_where_it_is_written(folder: Any) -> None:
    folder.state("include: [none.yaml, 'none*.yaml']\n")
    found = folder.problems()
    assert found[0].startswith("a.yaml:2:11: 'none.yaml' does not exist")
    assert found[1].startswith("a.yaml:2:22: no file matches 'none*.yaml'")


def test_a_loop_of_links_is_refused(folder: Any) -> None:
    (folder.path / "x.yaml").symlink_to("y.yaml")
    (folder.path / "y.yaml").symlink_to("x.yaml")
    folder.state("include: x.yaml\n")
    assert folder.problems()[0].startswith("a.yaml:2:10: 'x.yaml' ")


# -- variables ---------------------------------------------------------------------------------------

DECLARED = "variables:\n  region: {type: string, one_of: [EMEA, NA], default: NA}\n"


def test_later_sources_of_a_variable_win(folder: Any) -> None:
    folder.state(DECLARED.replace(", one_of: [EMEA, NA]", "") + "users: {a: {x: '${region}'}}\n")
    folder.write("one.yaml", "region: file-1\n")
    folder.write("two.yaml", "region: file-2\n")
    files = [Path("one.yaml"), Path("two.yaml")]
    org = in_org(region="org")

    def loaded(org: Any = None, **given: Any) -> Any:
        return dict(folder.load(org=org, values=VariableValues(**given)).sections)["users"]["a"]["x"]

    assert loaded() == "NA"
    assert loaded(org) == "org"
    assert loaded(org, files=files) == "file-2"
    assert loaded(org, files=files, assigned={"region": "var"}) == "var"
    assert loaded(org, files=files, assigned={"region": "v"}, environ={"RECONCILE_VAR_region": "e"}) == "e"


def test_a_whole_value_keeps_the_type_and_a_part_becomes_text(folder: Any) -> None:
    body = (
        "variables: {n: 12, b: true, l: [x, {k: v}], m: {type: map, default: {k: {d: deep}}}}\n"
        "users: {a: {n: '${n}', b: '${ b }', l: '${l}', k: '${m.k.d}', i: '${l.1.k}', t: 'n=${n} $${n}'}}\n"
    )
    user = folder.section(body)["a"]
    assert user == {
        "n": "12", "b": "true", "l": ["x", {"k": "v"}], "k": "deep", "i": "v", "t": "n=12 ${n}",
    }  # fmt: skip
    assert [type(user["n"]), type(user["b"]), type(user["t"])] == [Plain, Plain, str]


def test_a_key_takes_variables_too(folder: Any) -> None:
    users = folder.section("variables: {who: ada}\nusers:\n  ${who}@acme.example: {x: 1}\n")
    assert users == {"ada@acme.example": {"x": "1"}}
    assert users["ada@acme.example"].source == SourceRef("a.yaml", 4, 3)
    assert users.key_source("ada@acme.example") == SourceRef("a.yaml", 4, 3)


def test_an_undefined_variable_is_refused_with_the_nearest_name(folder: Any) -> None:
    assert folder.one_problem(DECLARED + "users: {a: {x: 'in ${regoin}'}}\n") == (
        "a.yaml:4:16: the variable 'regoin' is not declared\n  mend: did you mean 'region'?"
    )
    assert folder.one_problem("users: {a: {x: '${q}'}}\n") == (
        "a.yaml:2:16: the variable 'q' is not declared\n  mend: declare 'q' under 'variables:'"
    )


WRONG = [
    (
        "{type: number, default: x}",
        {},
        "2:40: variable 'v' from its default must be a number, found the text",
    ),
    (
        "{type: boolean}",
        {"v": "maybe"},
        "2:13: variable 'v' from --var must be true or false, found the text",
    ),
    ("{type: string, one_of: [A, B]}", {"v": "C"}, "2:13: variable 'v' from --var must be 'A' or 'B', found"),
    ("{type: string, pattern: '[a-z]+'}", {"v": "A1"}, "2:13: variable 'v' from --var must be text that mat"),
    ("{type: list}", {"v": "{a: 1}"}, "2:13: variable 'v' from --var must be a list, found a map"),
    ("{type: map}", {"v": "[a"}, "2:13: variable 'v' from --var: "),
    ("{type: strin}", {}, "2:23: the type of variable 'v' must be one of 'string'"),
    ("{typ: string}", {}, "2:17: unknown key 'typ' in variable 'v'"),
    ("{type: string, pattern: '['}", {}, "2:40: the pattern of variable 'v' is not a regular expression"),
    ("{type: string, one_of: A}", {}, "2:39: one_of of variable 'v' must be a list"),
    ("", {}, "2:16: variable 'v' has neither a type nor a default"),
    ("{type: secret, default: hunter2}", {}, "2:31: variable 'v' is secret and has a default in clear"),
]


@pytest.mark.parametrize(("declared", "assigned", "what"), WRONG)
def test_a_wrong_variable_says_where_its_value_came_from(
    folder: Any, declared: str, assigned: dict[str, str], what: str
) -> None:
    values = VariableValues(assigned=assigned)
    found = folder.one_problem(f"variables: {{v: {declared}}}\n", values=values)
    assert found.startswith(f"a.yaml:{what}")
    assert "hunter2" not in found
    assert "\n  mend: " in found


def test_a_value_from_the_org_or_a_file_is_refused_at_its_line(folder: Any) -> None:
    folder.write("vars.yaml", "\nregion: APAC\nother: 1\n")
    found = folder.one_problem(DECLARED, values=VariableValues(files=[Path("vars.yaml")]))
    assert found == (
        "vars.yaml:2:9: variable 'region' from vars.yaml must be 'EMEA' or 'NA', found the text 'APAC'\n"
        "  mend: known here: EMEA, NA"
    )
    assert "variable 'region' from org uat must be" in folder.one_problem(DECLARED, org=in_org(region=7))


def test_a_variable_set_by_hand_must_be_declared(folder: Any) -> None:
    found = folder.one_problem(DECLARED, values=VariableValues(assigned={"regin": "NA"}))
    assert found == "--var sets 'regin', which no state declares\n  mend: did you mean 'region'?"
    folder.write("vars.yaml", "more: 1\n")
    document = folder.load(values=VariableValues(files=[Path("vars.yaml")]))
    assert [str(each.where) for each in document.warnings] == ["vars.yaml:1:7"]


def test_a_variable_declared_twice_names_both_places(folder: Any) -> None:
    folder.state("variables: {v: 1}\n", "a.yaml")
    folder.state("variables: {v: 2}\n", "b.yaml")
    assert folder.problems("a.yaml", "b.yaml") == [
        "b.yaml:2:13: variable 'v' is declared twice; the first is at a.yaml:2:13\n"
        "  mend: keep one of the two"
    ]


def test_offline_a_variable_without_a_value_is_stood_in_for_and_with_an_org_it_is_refused(
    folder: Any,
) -> None:
    body = (
        "variables: {r: {type: string, one_of: [EMEA, NA]}, n: {type: number}, m: {type: map}, "
        "s: {type: secret}}\n"
        "users: {a: {r: '${r}', n: '${n}', m: '${m.x.y}', s: '${s}'}}\n"
    )
    user = folder.section(body)["a"]
    assert user == {"r": "EMEA", "n": "0", "m": "placeholder", "s": Secret("s")}
    found = folder.problems(org=UAT)
    assert len(found) == 4
    assert found[0].startswith("a.yaml:2:13: variable 'r' has no value for org uat")
    assert "RECONCILE_VAR_r" in found[0]


# -- secrets -----------------------------------------------------------------------------------------

SECRET = "variables: {token: {type: secret}}\n"


def test_a_secret_is_known_to_the_state_by_name_only(folder: Any) -> None:
    folder.state(SECRET + "users: {a: {x: '${token}'}}\n")
    document = folder.load(org=UAT, values=VariableValues(environ={"RECONCILE_VAR_token": "hunter2"}))
    assert dict(document.sections)["users"]["a"]["x"] == Secret("token")
    assert document.secrets == {"token": "hunter2"}
    assert "hunter2" not in repr(document)


@pytest.mark.parametrize("value", ["'pre ${token}'", "'${token.part}'"])
def test_a_secret_cannot_be_part_of_a_text(folder: Any, value: str) -> None:
    given = VariableValues(environ={"RECONCILE_VAR_token": "hunter2"})
    found = folder.one_problem(SECRET + f"users: {{a: {{x: {value}}}}}\n", values=given)
    assert found.startswith("a.yaml:3:16: ")
    assert "hunter2" not in found


def test_a_secret_in_a_key_is_refused(folder: Any) -> None:
    found = folder.one_problem(SECRET + "users: {'${token}': {}}\n")
    assert found.startswith("a.yaml:3:9: a key cannot be made of the secret 'token'")


def test_an_orgs_secret_in_clear_is_refused_without_being_quoted(folder: Any) -> None:
    from reconciler.spec.orgs import load_orgs

    folder.write("orgs.yaml", "orgs:\n  uat: {emulated: true, variables: {token: hunter2}}\n")
    org = load_orgs(Path("orgs.yaml"))["uat"]
    found = folder.one_problem(SECRET, org=OrgContext("uat", variables=org.variables))
    assert found.startswith("orgs.yaml:2:44: secret variable 'token' from org uat is written in clear")
    assert "hunter2" not in found


def test_a_secret_that_the_caller_resolved_for_the_org_is_taken(folder: Any) -> None:
    folder.state(SECRET + "users: {a: {x: '${token}'}}\n")
    assert folder.load(org=OrgContext("uat", secrets={"token": "s"})).secrets == {"token": "s"}


# -- $for_each and $when -----------------------------------------------------------------------------


def test_for_each_repeats_an_entry_of_a_map_for_a_list_and_for_a_map(folder: Any) -> None:
    body = (
        "variables: {rs: [A, B]}\n"
        "users:\n"
        "  ${each.key}-1: {$for_each: '${rs}', Name: 'to ${each.value}'}\n"
        "  m-${each.key}: {$for_each: {x: {n: 1}, y: {n: 2}}, N: '${each.value.n}', All: '${each.value}'}\n"
    )
    assert folder.section(body) == {
        "A-1": {"Name": "to A"},
        "B-1": {"Name": "to B"},
        "m-x": {"N": "1", "All": {"n": "1"}},
        "m-y": {"N": "2", "All": {"n": "2"}},
    }


def test_for_each_repeats_an_item_of_a_list_of_rows(folder: Any) -> None:
    body = "records: {P__c: {rows: [{$for_each: [1, 2], K: '${each.value}'}, {K: x}]}}\n"
    rows = folder.section(body, "records")["P__c"]["rows"]
    assert rows == [{"K": "1"}, {"K": "2"}, {"K": "x"}]
    assert rows.item_source(1) == rows.item_source(0) == SourceRef("a.yaml", 2, 25)
    assert rows[1].value_source("K") == SourceRef("a.yaml", 2, 48)


def test_the_inner_for_each_shadows_the_outer(folder: Any) -> None:
    body = (
        "users:\n"
        "  ${each.key}:\n"
        "    $for_each: [a, b]\n"
        "    me: ${each.key}\n"
        "    inner: {'${each.key}': {$for_each: {x: 1}, v: '${each.value}'}}\n"
    )
    assert folder.section(body)["b"] == {"me": "b", "inner": {"x": {"v": "1"}}}


FOR_EACH_WRONG = [
    ("users: {a: {$for_each: [1, 2]}}", "2:9: the key 'a' comes out twice", "'${each.key}'"),
    ("users: {a: {$for_each: x}}", "2:24: '$for_each' must be a list or a map, found the text", "write a"),
    ("users: {$for_each: [a]}", "2:9: '$for_each' cannot stand on a whole section", "entry of 'users'"),
    ("users: {a: {x: '${each.key}'}}", "2:16: '${each.key}' stands outside of a '$for_each'", "inside"),
    ("users: {'${each.key}': {$for_each: [{n: 1}]}}", "2:9: a list of maps has no keys", "value"),
    ("users: {'${each.key}': {$for_each: {k: v}, x: '${each}'}}", "2:47: '${each}' is no value", "each.key"),
    ("users: {a: {x: 'a ${b'}}", "2:16: '${' is not closed", "$${"),
    ("users: {a: {x: '${}'}}", "2:16: '${}' names no variable", "$${"),
    ("users: {a: {$absnt: true}}", "2:13: unknown key '$absnt'", "did you mean '$absent'?"),
    ("users: {a: {$until: x}}", "2:13: '$until' is not supported yet", "remove it"),
    ("users: {a: {$when: x}}", "2:20: '$when' must be a map of conditions", "tags"),
    ("users: {a: {$when: {regn: x}}}", "2:21: '$when' asks for the variable 'regn'", "known here"),
    ("variables: {k: '$absent'}\nusers: {a: {'${k}': true}}", "3:13: the key '${k}' becomes '$ab", "value"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "what", "mend"), FOR_EACH_WRONG)
def test_a_wrong_dollar_key_or_reference_is_refused_at_its_place(
    folder: Any, body: str, what: str, mend: str
) -> None:
    found = folder.one_problem(body + "\n")
    assert found.startswith(f"a.yaml:{what}")
    assert mend in found.partition("\n  mend: ")[2]


def test_when_keeps_what_is_meant_for_the_org(folder: Any) -> None:
    body = (
        "variables: {region: EMEA, n: 1}\n"
        "users:\n"
        "  tag: {$when: {tags: sandbox}}\n"
        "  tags: {$when: {tags: [production, sandbox]}}\n"
        "  other: {$when: {tags: production}}\n"
        "  value: {$when: {region: [EMEA, NA]}}\n"
        "  values: {$when: {variables: {region: EMEA, n: 1}}}\n"
        "  not: {$when: {tags: sandbox, region: NA}}\n"
        "records: {$when: {tags: production}, P__c: {}}\n"
        "permission_sets: {p: {assigned_to: [{$when: {region: NA}, u: x}, z]}}\n"
    )
    folder.state(body)
    sections = dict(folder.load(org=UAT).sections)
    assert list(sections["users"]) == ["tag", "tags", "value", "values"]
    assert "records" not in sections
    assert sections["permission_sets"]["p"] == {"assigned_to": ["z"]}
    assert "$when" not in json.dumps(sections)


def test_offline_everything_under_when_is_kept_and_marked(folder: Any) -> None:
    users = folder.section("users: {a: {$when: {tags: production}, x: {y: 1}}, b: {}}\n")
    assert users == {"a": {"x": {"y": "1"}}, "b": {}}
    assert [users["a"].conditional, users["a"]["x"].conditional, users["b"].conditional] == [
        True,
        True,
        False,
    ]


def test_lists_that_multiply_beyond_the_limit_are_refused(
    folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expand, "MAX_EXPANDED_NODES", 1000)
    items = "[" + ", ".join(map(str, range(50))) + "]"
    inner = "{'${each.key}': {$for_each: '${l}', x: 1}}"
    found = folder.one_problem(
        f"variables: {{l: {items}}}\nusers: {{'${{each.key}}': {{$for_each: '${{l}}', i: {inner}}}}}\n"
    )
    assert "make more than 1,000 entries" in found


def test_a_value_is_filled_in_once(folder: Any) -> None:
    folder.state("variables: {a: {type: string}, t: {type: secret}}\nusers: {u: {x: '${a}', y: 'b ${a}'}}\n")
    document = folder.load(values=VariableValues(assigned={"a": "${t}"}))
    assert dict(document.sections)["users"]["u"] == {"x": "${t}", "y": "b ${t}"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text("users:records{}[]\"'$ \nabc${}each.key_for1-&*?|", max_size=80))
def test_no_text_gives_anything_but_a_document_or_a_refusal(folder: Any, text: str) -> None:
    folder.state(text)
    try:
        folder.load()
    except SpecError as refused:
        assert refused.problems
