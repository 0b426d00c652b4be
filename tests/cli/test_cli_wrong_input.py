"""Wrong input is told with its place and how to mend it, all at once, and nothing is written anywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEAD = "reconcile: 1\n"
ACCOUNTS = HEAD + "records:\n  Account:\n    $key: Account_Code__c\n    rows:\n"
RULES = HEAD + "records:\n  Price_Rule__c:\n    $key: Code__c\n    rows:\n"

WRONG: dict[str, tuple[str | bytes, list[str]]] = {
    "empty": ("", ["state.yaml:1:1: the file is empty"]),
    "tab": (HEAD + "records:\n\tAccount: {}\n", ["state.yaml:3:1: a tab"]),
    "not utf-8": (HEAD.encode() + b"release: caf\xe9\n", ["state.yaml:2:13: the byte 0xe9 is not UTF-8"]),
    "nul": (HEAD.encode() + b"release: a\0b\n", ["state.yaml:2:"]),
    "a duplicate key": (
        ACCOUNTS + "      A: {Name: one}\n      A: {Name: two}\n",
        ["state.yaml:7:7: the key 'A' is written twice; the first is at line 6, column 7"],
    ),
    "an unknown section": (HEAD + "usres: {}\n", ["state.yaml:2:1: unknown key 'usres'", "'users'?"]),
    "an unknown word": (
        HEAD + "permission_sets:\n  P: {lable: P}\n",
        ["state.yaml:3:7: unknown key 'lable'", "did you mean 'label'?"],
    ),
    "two wrongs at once": (
        HEAD + "relaese: x\nquues: {}\n",
        ["state.yaml:2:1: unknown key 'relaese'", "state.yaml:3:1: unknown key 'quues'"],
    ),
    "a word that may be true": (RULES + "      A: {Active__c: on}\n", ["state.yaml:6:22: 'on' is true"]),
    "a key with a leading zero": (ACCOUNTS + "      017: {Name: x}\n", ["state.yaml:6:7: '017' is an octal"]),
    "a list for a map": (HEAD + "records: [1]\n", ["state.yaml:2:10:"]),
    "a text for a list": (HEAD + "queues:\n  Q: {objects: Case, members: {}}\n", ["state.yaml:3:16:"]),
    "an unknown version": ("reconcile: 7\n", ["state.yaml:1:12:"]),
    "no version": ("release: x\n", ["state.yaml:1:1: 'reconcile: 1' is missing"]),
    "an undefined variable": (
        RULES + '      A: {Name: "${regoin}"}\n',
        ["state.yaml:6:17:", "regoin"],
    ),
    "a missing include": (HEAD + "include: [gone.yaml]\n", ["state.yaml:2:11:", "gone.yaml"]),
    "an include of itself": (HEAD + "include: [state.yaml]\n", ["state.yaml:2:11:", "state.yaml"]),
    "an include outside": (HEAD + "include: [../../etc/passwd]\n", ["state.yaml:2:11:"]),
    "an absolute include": (HEAD + "include: [/etc/passwd]\n", ["state.yaml:2:11:"]),
    "a tag": (HEAD + "release: !!python/object/apply:os.system [ls]\n", ["state.yaml:2:10:"]),
    "a bomb of aliases": (
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
        ["state.yaml:1:4: the anchor '&a' is not allowed", "state.yaml:2:8: the alias '*a'"],
    ),
    "deep nesting": (HEAD + "records: " + "[" * 5000 + "]" * 5000 + "\n", ["state.yaml:2:"]),
    "no end of a text": (HEAD + 'release: "never\n', ["state.yaml:"]),
    "two documents": (HEAD + "---\n" + HEAD, ["state.yaml:2:1:"]),
    "missing rows file": (
        HEAD + "records:\n  Country__c: {$key: Iso__c, from: gone.csv}\n",
        ["state.yaml:3:", "gone.csv"],
    ),
    "a circle of needs": (
        ACCOUNTS
        + "      A: {Name: a, $depends_on: [Account/B]}\n      B: {Name: b, $depends_on: [Account/A]}\n",
        ["state.yaml:6:", "Account/A", "Account/B"],
    ),
    "a need for nobody": (
        ACCOUNTS + "      A: {Name: a, $depends_on: [Account/Z]}\n",
        ["state.yaml:6:", "Account/Z"],
    ),
}
"""Name -> the state, and parts of what is said about it. Known without an org."""

WRONG_FOR_THE_ORG: dict[str, tuple[str, list[str]]] = {
    "an unknown field": (ACCOUNTS + "      A: {Nmae: x}\n", ["state.yaml:6:", "Nmae", "'Name'"]),
    "an unknown object": (
        HEAD + "records:\n  Acount:\n    $key: Name\n    rows: {A: {}}\n",
        ["state.yaml:", "no object 'Acount'"],
    ),
    "a text for a number": (RULES + "      A: {Margin__c: much}\n", ["state.yaml:6:22:", "Margin__c"]),
    "a date for a number": (RULES + "      A: {Margin__c: 2031-05-04}\n", ["state.yaml:6:22:"]),
    "a text for a date": (RULES + "      A: {Valid_From__c: soon}\n", ["state.yaml:6:26:"]),
    "a day that is none": (RULES + "      A: {Valid_From__c: 2031-02-30}\n", ["state.yaml:6:26:"]),
    "a text that is too long": (
        HEAD + "records:\n  Country__c:\n    $key: Iso__c\n    rows:\n      GER: {Name: Germany}\n",
        ["state.yaml:6:7: 'Iso__c' holds 2 characters, found 3"],
    ),
    "a parent that is nowhere": (
        RULES + "      A: {Name: a, Account__r: {Account_Code__c: NOBODY}}\n",
        ["state.yaml:6:", "NOBODY"],
    ),
    "a user that is nobody": (
        HEAD + "permission_sets:\n  P: {label: P, assigned_to: [no.body@acme.example]}\n",
        ["state.yaml:3:31:", "no.body@acme.example"],
    ),
}
"""What only an org's describes can tell."""


def untouched(cli: Any) -> bool:
    """No plan was kept."""
    plans: list[Any] = cli("history", "--json").json["plans"]
    return not plans


def put(cli: Any, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    Path(cli.folder, "state.yaml").write_bytes(data)


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_what_is_wrong_without_an_org_is_told_by_every_command(cli: Any, command: str, name: str) -> None:
    content, parts = WRONG[name]
    put(cli, content)
    approve = ["--auto-approve"] if command == "apply" else []
    said = cli(command, "state.yaml", *approve)
    assert said.code == 1
    assert said.out == ""
    for part in parts:
        assert part in said.err
    assert "mend: " in said.err
    assert untouched(cli)


@pytest.mark.parametrize("name", WRONG_FOR_THE_ORG)
def test_what_only_the_org_can_tell_is_told_by_plan(cli: Any, name: str) -> None:
    content, parts = WRONG_FOR_THE_ORG[name]
    put(cli, content)
    said = cli("plan", "state.yaml", "--org", "demo")
    assert said.code == 1, said.out
    assert said.out == ""
    for part in parts:
        assert part in said.err
    assert untouched(cli)


@pytest.mark.parametrize("name", WRONG)
def test_problems_are_one_json_value_with_json(cli: Any, name: str) -> None:
    put(cli, WRONG[name][0])
    said = cli("validate", "state.yaml", "--json")
    assert (said.code, said.err) == (1, "")
    assert said.json["type"] == "error"
    assert said.json["exit_code"] == 1
    assert all(problem["what"] and problem["where"] for problem in said.json["problems"])


def test_a_hundred_megabytes_are_refused_unread(cli: Any) -> None:
    with Path(cli.folder, "state.yaml").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    said = cli("validate", "state.yaml")
    assert said.code == 1
    assert said.err.startswith("state.yaml:1:1: ")
    assert len(said.err) < 1000


def test_an_include_through_a_link_outside_is_refused(cli: Any, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside") / "far.yaml"
    outside.write_text(HEAD)
    Path(cli.folder, "near.yaml").symlink_to(outside)
    put(cli, HEAD + "include: [near.yaml]\n")
    said = cli("validate", "state.yaml")
    assert said.code == 1
    assert "state.yaml:2:11:" in said.err


def test_states_that_include_each_other_are_told_with_their_circle(cli: Any) -> None:
    cli.write("a.yaml", HEAD + "include: [b.yaml]\n")
    cli.write("b.yaml", HEAD + "include: [a.yaml]\n")
    said = cli("validate", "a.yaml")
    assert said.code == 1
    assert "a.yaml" in said.err and "b.yaml" in said.err


ORGS_MISTAKES: dict[str, tuple[str, list[str]]] = {
    "http": ('orgs: {u: {url: "http://acme.example", sign_in: {sf_cli: u}}}\n', ["orgs.yaml:1:", "https"]),
    "an unknown sign-in": (
        'orgs: {u: {url: "https://acme.example", sign_in: {jwtt: {}}}}\n',
        ["orgs.yaml:1:", "did you mean 'jwt'?"],
    ),
    "a secret in clear": (
        'orgs: {u: {url: "https://acme.example", sign_in: {access_token: 00Dtop!secret}}}\n',
        ["orgs.yaml:1:", "written in clear"],
    ),
    "an unknown word": ("orgs: {demo: {emulated: true, protekt: true}}\n", ["did you mean 'protect'?"]),
    "a list": ("- demo\n", ["orgs.yaml:1:1:"]),
    "empty": ("", ["orgs.yaml"]),
    "cut": ("orgs: {demo: {emulated", ["orgs.yaml:"]),
}


@pytest.mark.parametrize("name", ORGS_MISTAKES)
def test_mistakes_of_orgs_yaml_are_told_at_their_place(cli: Any, name: str) -> None:
    content, parts = ORGS_MISTAKES[name]
    cli.write("orgs.yaml", content)
    said = cli("orgs", "list")
    assert (said.code, said.out) == (1, "")
    for part in parts:
        assert part in said.err
    assert "secret" not in said.err


NEARLY: dict[str, tuple[list[str], str]] = {
    "command": (["plam"], "Did you mean 'plan'?"),
    "subcommand": (["orgs", "chek"], "check"),
    "option": (["plan", "--detaild-exitcode"], "--detailed-exitcode"),
    "org": (["plan", "quickstart.yaml", "--org", "dmo"], "did you mean 'demo'?"),
    "target": (["plan", "quickstart.yaml", "--target", "Acount/ACME"], "did you mean 'Account/ACME'?"),
    "exclude": (["plan", "quickstart.yaml", "--exclude", "Acount/ACME"], "did you mean 'Account/ACME'?"),
    "graph target": (["graph", "quickstart.yaml", "--target", "Account/ACM"], "'Account/ACME'?"),
    "explain": (["explain", "Account/ACM", "quickstart.yaml"], "did you mean 'Account/ACME'?"),
    "variable": (["plan", "quickstart.yaml", "--var", "margn=1"], "margin"),
    "variable without a value": (["plan", "quickstart.yaml", "--var", "margin"], "--var region=EMEA"),
    "wrong variable": (["plan", "quickstart.yaml", "--var", "margin=x"], "must be a number"),
    "variable file": (["plan", "quickstart.yaml", "--var-file", "no.yaml"], "cannot be read"),
    "states": (["plan", "qickstart.yaml"], "cannot be read"),
    "no states": (["plan"], "no states were named"),
    "time": (["apply", "quickstart.yaml", "--lock-timeout", "soon"], "write it like 30s"),
    "no time": (["apply", "quickstart.yaml", "--lock-timeout", "nan"], "write it like 30s"),
    "action": (["apply", "quickstart.yaml", "--auto-approve=crate"], "known are create, update and delete"),
    "parallelism": (["plan", "quickstart.yaml", "--parallelism", "0"], "1<=x<=25"),
    "out": (["plan", "quickstart.yaml", "--out", "no/such/folder/p.plan"], "could not be written"),
    "format": (["graph", "quickstart.yaml", "--format", "png"], "'svg'"),
    "org to check": (["orgs", "check", "uat"], "known here: demo"),
    "org to reset": (["emulator", "reset", "uat"], "known here: demo"),
    "seed": (["emulator", "seed", "--db", "x.db", "no-folder"], "does not exist"),
}


@pytest.mark.parametrize("name", NEARLY)
def test_a_nearly_right_word_is_refused_with_the_right_one(cli: Any, name: str) -> None:
    arguments, hint = NEARLY[name]
    said = cli(*arguments)
    assert (said.code, said.out) == (1, "")
    assert hint in said.err
    assert "Traceback" not in said.err
    if name != "out":
        assert untouched(cli)


@pytest.mark.parametrize("verb", ["apply", "revert", "resume", "show"])
def test_a_nearly_right_plan_id_is_answered_with_the_plan(cli: Any, verb: str) -> None:
    cli("plan", "quickstart.yaml", "--org", "demo")
    plan_id = cli.newest()
    said = cli(verb, plan_id[:-1])
    assert (said.code, said.out) == (1, "")
    assert f"did you mean '{plan_id}'?" in said.err
    assert cli("history", "--json").json["plans"][0]["status"] == "planned"


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    at = data.index(b"Acme Corporation")
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def not_text(data: bytes) -> bytes:
    return data.replace(b"Acme Corporation", b"Acme \xff")


@pytest.mark.parametrize("damage", [cut, flipped, not_text])
@pytest.mark.parametrize("verb", ["apply", "show"])
def test_a_damaged_plan_file_is_refused(cli: Any, verb: str, damage: Callable[[bytes], bytes]) -> None:
    cli("plan", "quickstart.yaml", "--org", "demo", "--out", "day.plan")
    path = cli.folder / "day.plan"
    path.write_bytes(damage(path.read_bytes()))
    said = cli(verb, "day.plan")
    assert (said.code, said.out) == (1, "")
    assert "not a whole plan file" in said.err
    assert cli("history", "--json").json["plans"][0]["status"] == "planned"
    assert cli("plan", "quickstart.yaml", "--org", "demo", "--detailed-exitcode").code == 2


@pytest.mark.parametrize("verb", ["plan", "validate", "show", "apply", "graph"])
def test_a_wrong_use_is_one_json_value_with_json(cli: Any, verb: str) -> None:
    said = cli(verb, "--no-such-option", "--json")
    assert (said.code, said.err) == (1, "")
    assert said.json["type"] == "error"
    assert "--no-such-option" in said.json["problems"][0]["what"]
