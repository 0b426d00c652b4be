"""What people write wrong is refused offline: each problem where it stands, with how to mend it, and no more.

The table was begun by misusing every word of the language once: keys with `$`, wrong nesting, numbers for
names, letters and blanks that look like others, empty sections, YAML's own dangers.
"""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.model.errors import Problem, SpecError
from reconciler.resources.states import load_desired

HEAD = "reconcile: 1\n"
ROWS = HEAD + "records:\n  Account:\n    $key: Account_Code__c\n    rows:\n"

WRONG: dict[str, tuple[str, list[str]]] = {
    "depends map": (
        ROWS + "      A: {$depends_on: {a: b}}\n",
        ["6:24: '$depends_on' must be a list, found a map"],
    ),
    "depends number": (
        ROWS + "      A: {$depends_on: [1]}\n",
        ["6:25: item 1 of '$depends_on' must be text, found the number"],
    ),
    "depends null": (
        ROWS + "      A: {$depends_on: }\n",
        ["6:24: '$depends_on' must be text, found nothing"],
    ),
    "depends empty text": (
        ROWS + "      A: {$depends_on: ''}\n",
        ["6:24: $depends_on of Account/A names '', which is not declar"],
    ),
    "absent yes": (
        ROWS + "      A: {$absent: yes}\n",
        ["6:20: 'yes' is true to some YAML readers and text to others"],
    ),
    "absent text": (
        ROWS + "      A: {$absent: 'true'}\n",
        ["6:20: '$absent' must be true or false, found the text 'true'"],
    ),
    "absent list": (
        ROWS + "      A: {$absent: [true]}\n",
        ["6:20: '$absent' must be true or false, found a list"],
    ),
    "absent null": (
        ROWS + "      A: {$absent: }\n",
        ["6:20: '$absent' must be true or false, found nothing"],
    ),
    "protect 1": (
        ROWS + "      A: {$protect: 1}\n",
        ["6:21: '$protect' must be true or false, found the number 1"],
    ),
    "create_only map": (
        ROWS + "      A: {$create_only: {Name: x}}\n",
        ["6:25: '$create_only' must be a list, found a map"],
    ),
    "ignore bool": (
        ROWS + "      A: {$ignore: true}\n",
        ["6:20: '$ignore' must be text, found the boolean true"],
    ),
    "for_each number": (
        ROWS + "      A: {$for_each: 3}\n",
        ["6:22: '$for_each' must be a list or a map, found the number "],
    ),
    "for_each dup": (
        ROWS + "      A: {$for_each: [1,2]}\n",
        ["6:7: the key 'A' comes out twice; the first is at line 6, co"],
    ),
    "for_each on section": (
        HEAD + "records:\n  $for_each: [a]\n  Account: {$key: Name, rows: {}}\n",
        ["3:3: '$for_each' cannot stand on a whole section"],
    ),
    "for_each outside": (
        ROWS + "      A: {Name: '${each.key}'}\n",
        ["6:17: '${each.key}' stands outside of a '$for_each'"],
    ),
    "when text": (
        ROWS + "      A: {$when: production}\n",
        ["6:18: '$when' must be a map of conditions, found the text 'p"],
    ),
    "when empty": (
        ROWS + "      A: {$when: {}}\n",
        ["6:18: '$when' must be a map of conditions, found a map"],
    ),
    "when list": (
        ROWS + "      A: {$when: [tags]}\n",
        ["6:18: '$when' must be a map of conditions, found a list"],
    ),
    "when unknown var": (
        ROWS + "      A: {$when: {regoin: x}}\n",
        ["6:19: '$when' asks for the variable 'regoin', which is not d"],
    ),
    "limit text": (
        HEAD + "records:\n  Account:\n    $key: Account_Code__c\n    $limit: many\n    rows:\n      A: {}\n",
        ["5:13: $limit must be a count or a percentage, found the text"],
    ),
    "limit neg": (
        HEAD + "records:\n  Account:\n    $key: Account_Code__c\n    $limit: -5\n    rows:\n      A: {}\n",
        ["5:13: $limit must be a count or a percentage, found the numb"],
    ),
    "limit 150%": (
        HEAD + "records:\n  Account:\n    $key: Account_Code__c\n    $limit: 150%\n    rows:\n      A: {}\n",
        ["5:13: $limit cannot be more than 100%, found 150%"],
    ),
    "limit null": (
        HEAD + "records:\n  Account:\n    $key: Account_Code__c\n    $limit:\n    rows:\n      A: {}\n",
        ["5:12: $limit must be a count or a percentage, found nothing"],
    ),
    "limit map": (
        HEAD
        + "records:\n  Account:\n    $key: Account_Code__c\n    $limit: {count: 5}\n    rows:\n      A: {}\n",
        ["5:13: $limit must be a count or a percentage, found a map"],
    ),
    "limit float": (
        HEAD + "records:\n  Account:\n    $key: Account_Code__c\n    $limit: 2.5\n    rows:\n      A: {}\n",
        ["5:13: $limit must be a count or a percentage, found the deci"],
    ),
    "was list": (ROWS + "      A: {$was: [B]}\n", ["6:17: $was of Account/A must name the former key"]),
    "was null": (ROWS + "      A: {$was: }\n", ["6:17: '$was' must be text, found nothing"]),
    "was same": (
        ROWS + "      A: {$was: A}\n",
        ["6:17: $was of Account/A must name a former key, another than"],
    ),
    "was number": (ROWS + "      A: {$was: 17}\n", ["6:17: '$was' must be text, found the number 17"]),
    "was both": (
        ROWS + "      A: {$was: C}\n      B: {$was: C}\n",
        ["7:17: Account/B and Account/A"],
    ),
    "was setting": (
        HEAD + "custom_settings:\n  F__c: {org: {$was: x}}\n",
        ["3:16: '$was' cannot stand on F__c org"],
    ),
    "was user": (
        HEAD + "users: {a@b.c: {$was: d@e.f, LastName: x}}\n",
        ["2:17: '$was' cannot stand on user 'a@b.c'"],
    ),
    "was user bad": (
        HEAD + "users: {a@b.c: {$was: [d@e.f], LastName: x}}\n",
        ["2:17: '$was' cannot stand on user 'a@b.c'"],
    ),
    "was set map": (
        HEAD + "permission_sets:\n  P: {$was: {a: b}}\n",
        ["3:13: '$was' must be text, found a map"],
    ),
    "until": (ROWS + "      A: {$until: 2030-01-01}\n", ["6:11: '$until' is not supported yet"]),
    "unknown dollar": (ROWS + "      A: {$abesnt: true}\n", ["6:11: unknown key '$abesnt'"]),
    "dollar alone": (ROWS + "      A: {$: true}\n", ["6:11: unknown key '$'"]),
    "key in row": (ROWS + "      A: {$key: Name}\n", ["6:11: unknown key '$key' in Account 'A'"]),
    "key map": (
        HEAD + "records:\n  Account:\n    $key: {a: b}\n    rows: {A: {}}\n",
        ["4:11: '$key' must be a list, found a map"],
    ),
    "key number": (
        HEAD + "records:\n  Account:\n    $key: 5\n    rows: {A: {}}\n",
        ["4:11: '$key' must be text, found the number 5"],
    ),
    "key Id": (
        HEAD + "records:\n  Account:\n    $key: id\n    rows: {A: {}}\n",
        ["4:11: record ids differ in every org"],
    ),
    "key empty list": (
        HEAD + "records:\n  Account:\n    $key: []\n    rows: {A: {}}\n",
        ["4:11: '$key' names no field"],
    ),
    "key twice": (
        HEAD + "records:\n  Account:\n    $key: [Name, name]\n    rows: [{Name: a}]\n",
        ["4:18: '$key' names name twice"],
    ),
    "key null": (
        HEAD + "records:\n  Account:\n    $key:\n    rows: {A: {}}\n",
        ["3:3: records of Account need a $key"],
    ),
    "no rows": (HEAD + "records:\n  Account:\n    $key: Name\n", ["3:3: records of Account name no rows"]),
    "rows null": (
        HEAD + "records:\n  Account:\n    $key: Name\n    rows:\n",
        ["5:10: rows of Account must be a map or a list"],
    ),
    "rows text": (
        HEAD + "records:\n  Account:\n    $key: Name\n    rows: x\n",
        ["5:11: rows of Account must be a map or a list"],
    ),
    "row list": (ROWS + "      A: [a]\n", ["6:10: row 'A' of Account must be a map"]),
    "row text": (ROWS + "      A: hello\n", ["6:10: row 'A' of Account must be a map"]),
    "row number": (ROWS + "      A: 5\n", ["6:10: row 'A' of Account must be a map"]),
    "rows of rows": (
        HEAD + "records:\n  Account:\n    $key: Name\n    rows: [[a]]\n",
        ["5:12: a row of Account must be a map"],
    ),
    "object null": (HEAD + "records:\n  Account:\n", ["3:3: records of Account need a $key"]),
    "object text": (
        HEAD + "records:\n  Account: x\n",
        ["3:12: 'Account' in records must be a map, found the text 'x'"],
    ),
    "section null": (HEAD + "records:\n", ["2:9: 'records' must be a map, found nothing"]),
    "section text": (HEAD + "records: x\n", ["2:10: 'records' must be a map, found the text 'x'"]),
    "section list": (
        HEAD + "permission_sets: [P]\n",
        ["2:18: 'permission_sets' must be a map, found a list"],
    ),
    "users list": (HEAD + "users: [a@b.c]\n", ["2:8: 'users' must be a map, found a list"]),
    "nest": (HEAD + "rows:\n  A: {}\n", ["2:1: unknown key 'rows' in a state"]),
    "rows at object": (
        HEAD + "records:\n  Account:\n    A: {Name: x}\n",
        ["3:3: records of Account need a $key", "4:5: unknown key 'A' in records of Account"],
    ),
    "number key": (
        ROWS + "      17: {Name: x}\n",
        ["6:7: rows of Account must be text, found the number 17"],
    ),
    "float key": (
        ROWS + "      1.5: {Name: x}\n",
        ["6:7: rows of Account must be text, found the decimal number "],
    ),
    "bool key": (
        ROWS + "      true: {Name: x}\n",
        ["6:7: rows of Account must be text, found the boolean true"],
    ),
    "null key": (ROWS + "      null: {Name: x}\n", ["6:7: rows of Account must be text, found nothing"]),
    "date key": (
        ROWS + "      2030-01-01: {Name: x}\n",
        ["6:7: rows of Account must be text, found the date 2030-01-01"],
    ),
    "empty key": (ROWS + "      '': {Name: x}\n", ["6:7: a key is empty"]),
    "blank key": (ROWS + "      '  ': {Name: x}\n", ["6:7: a row of Account has an empty key"]),
    "number field": (ROWS + "      A: {5: x}\n", ["6:11: '5' is no field of Account"]),
    "number user": (
        HEAD + "users:\n  5: {LastName: x}\n",
        [
            "3:3: users must be text, found the number 5",
            "3:3: a username has the form of an e-mail address, found '5'",
        ],
    ),
    "number set": (
        HEAD + "permission_sets:\n  5: {}\n",
        ["3:3: permission_sets must be text, found the number 5"],
    ),
    "nbsp indent": (
        HEAD + "records:\n\xa0 Account: {}\n",
        [
            "2:9: 'records' must be a map, found nothing",
            "3:1: the key '\xa0 Account' has the character U+00A0, which is ",
            "3:1: unknown key '\xa0 Account' in a state",
        ],
    ),
    "nbsp in key": (
        ROWS + "      A: {Na\xa0me: x}\n",
        [
            "6:11: the key 'Na\xa0me' has the character U+00A0, which is no ",
            "6:11: 'Na\xa0me' is no field of Account",
        ],
    ),
    "nbsp after colon": (
        ROWS + "      A:\xa0{Name: x}\n",
        [
            "6:7: the key 'A:\xa0{Name' has the character U+00A0, which is n",
            "6:17: row 'A:\xa0{Name' of Account must be a map",
        ],
    ),
    "bom mid": (
        ROWS + "      A: {\ufeffName: x}\n",
        ["6:11: the character U+FEFF cannot stand in a file of text"],
    ),
    "zero width": (
        ROWS + "      A\u200b: {Name: x}\n      A: {Name: y}\n",
        ["7:17: 'y' is true to some YAML readers and text to others"],
    ),
    "lookalike section": (HEAD + "rec\u043erds: {}\n", ["2:1: unknown key 'rec\u043erds' in a state"]),
    "lookalike word": (
        HEAD + "permission_sets:\n  P: {l\u0430bel: x}\n",
        ["3:7: unknown key 'l\u0430bel' in permission set 'P'"],
    ),
    "two docs": (HEAD + "---\nreconcile: 1\n", ["2:1: a second document begins"]),
    "two docs 2": (HEAD + "...\n---\nreconcile: 1\n", ["3:1: a second document begins"]),
    "anchor": (
        ROWS + "      A: &x {Name: x}\n      B: *x\n",
        ["6:10: the anchor '&x' is not allowed", "7:10: the alias '*x' is not allowed"],
    ),
    "merge": (
        ROWS + "      A: &x {Name: x}\n      B: {<<: *x}\n",
        [
            "6:10: the anchor '&x' is not allowed",
            "7:11: merge keys ('<<') are not allowed",
            "7:11: '<<' is no field of Account",
            "7:15: the alias '*x' is not allowed",
        ],
    ),
    "py tag": (
        ROWS + "      A: !!python/object/new:os.system [ls]\n",
        [
            "6:10: the tag '!!python/object/new:os.system' is not allowed",
            "6:10: row 'A' of Account must be a map",
        ],
    ),
    "py tag key": (
        ROWS + "      !!python/name:os.system A: {}\n",
        ["6:7: the tag '!!python/name:os.system' is not allowed"],
    ),
    "binary": (ROWS + "      A: {Name: !!binary aGVsbG8=}\n", ["6:17: the tag '!!binary' is not allowed"]),
    "custom tag": (
        ROWS + "      A: !secret x\n",
        ["6:10: the tag '!secret' is not allowed", "6:10: row 'A' of Account must be a map"],
    ),
    "set complex key": (
        ROWS + "      ? [a, b]\n      : {}\n",
        ["6:9: a key must be text, not a map, a list or an alias"],
    ),
    "dup natural": (
        HEAD + "records:\n  Account:\n    $key: [Name, Site]\n    rows:"
        "  [{Name: a, Site: b}, {Name: a, Site: b}]\n",
        ["5:33: Account/a/b is declared twice, first"],
    ),
    "user frozen text": (
        HEAD + "users: {a@b.c: {frozen: 'yes', LastName: x}}\n",
        ["2:25: 'frozen' must be true or false, found the text 'yes'"],
    ),
    "user sets map": (
        HEAD + "users: {a@b.c: {permission_sets: {exactly: [P]}, LastName: x}}\n",
        ["2:34: 'permission_sets' of a user cannot be exact"],
    ),
    "user sets text": (
        HEAD + "users: {a@b.c: {permission_sets: P, LastName: x}}\n",
        ["2:34: 'permission_sets' of user 'a@b.c' must be a list of na"],
    ),
    "user sets null": (
        HEAD + "users: {a@b.c: {permission_sets: , LastName: x}}\n",
        ["2:34: 'permission_sets' of user 'a@b.c' must be a list of na"],
    ),
    "user bad name": (
        HEAD + "users: {ada: {LastName: x}}\n",
        ["2:9: a username has the form of an e-mail address, found 'ad"],
    ),
    "assigned null": (
        HEAD + "permission_sets:\n  P: {assigned_to: }\n",
        ["3:20: assigned_to of permission set 'P' must be a list of na"],
    ),
    "assigned num": (
        HEAD + "permission_sets:\n  P: {assigned_to: [5]}\n",
        ["3:21: an item of assigned_to of permission set 'P' must be t"],
    ),
    "assigned null item": (
        HEAD + "permission_sets:\n  P: {assigned_to: [null, '']}\n",
        [
            "3:21: an item of assigned_to of permission set 'P' must be t",
            "3:27: an item of assigned_to of permission set 'P' is empty",
        ],
    ),
    "assigned map word": (
        HEAD + "permission_sets:\n  P: {assigned_to: {include: [a]}}\n",
        ["3:21: unknown key 'include' in assigned_to of permission set"],
    ),
    "assigned both": (
        HEAD + "permission_sets:\n  P: {assigned_to: {includes: [a@b.c], exactly: [d@e.f]}}\n",
        ["3:21: assigned_to of permission set 'P' has both includes an"],
    ),
    "assigned nested": (
        HEAD + "permission_sets:\n  P: {assigned_to: [[a@b.c]]}\n",
        ["3:21: an item of assigned_to of permission set 'P' must be t"],
    ),
    "assigned item": (
        HEAD + "permission_sets:\n  P: {assigned_to: [{usr: a@b.c}]}\n",
        ["3:21: an item of assigned_to of permission set 'P' must name"],
    ),
    "assigned item extra": (
        HEAD + "permission_sets:\n  P: {assigned_to: [{user: a@b.c, expire: 2030-01-01}]}\n",
        ["3:21: unknown key 'expire' beside a user"],
    ),
    "members item extra": (
        HEAD + "queues: {Q: {members: [{user: a@b.c, expires: x}]}}\n",
        ["2:24: unknown key 'expires' in a member of 'Q'"],
    ),
    "assigned twice": (
        HEAD + "permission_sets:\n  P: {assigned_to: [a@b.c, A@b.c]}\n",
        ["3:28: assigned_to of permission set 'P' names 'A@b.c' twice"],
    ),
    "members twice": (
        HEAD + "queues: {Q: {members: [a@b.c, a@b.c]}}\n",
        ["2:31: members of queue 'Q' names 'a@b.c' twice"],
    ),
    "members conflict": (
        HEAD + "queues: {Q: {members: {includes: [a@b.c], excludes: [a@b.c]}}}\n",
        ["2:54: GroupMember/Queue/Q/a@b.c is declared twice, first"],
    ),
    "objects null": (
        HEAD + "permission_sets:\n  P: {objects: }\n",
        ["3:16: 'objects' must be a map of names to rights"],
    ),
    "objects nested null": (
        HEAD + "permission_sets:\n  P: {objects: {Account: }}\n",
        ["3:26: the rights on Account must be a list"],
    ),
    "objects num": (
        HEAD + "permission_sets:\n  P: {objects: {Account: [1]}}\n",
        ["3:27: a right on Account must be one of 'read', 'create', 'e"],
    ),
    "objects map in": (
        HEAD + "permission_sets:\n  P: {objects: {Account: {read: true}}}\n",
        ["3:26: the rights on Account must be a list"],
    ),
    "label list": (
        HEAD + "permission_sets:\n  P: {label: [x]}\n",
        ["3:14: 'label' must be text, found a list"],
    ),
    "label num": (
        HEAD + "permission_sets:\n  P: {label: 5}\n",
        ["3:14: 'label' must be text, found the number 5"],
    ),
    "license list": (
        HEAD + "permission_sets:\n  P: {license: [x]}\n",
        ["3:16: 'license' must be text, found a list"],
    ),
    "license null": (
        HEAD + "permission_sets:\n  P: {license: }\n",
        ["3:16: 'license' must be text, found nothing"],
    ),
    "set body list": (
        HEAD + "permission_sets:\n  P: [x]\n",
        ["3:6: 'P' in permission_sets must be a map, found a list"],
    ),
    "role parent list": (HEAD + "roles: {R: {parent: [x]}}\n", ["2:21: 'parent' must be text, found a list"]),
    "setting org null": (
        HEAD + "custom_settings: {F__c: {org: }}\n",
        ["2:31: org of F__c must be a map of fields"],
    ),
    "setting profile null": (
        HEAD + "custom_settings: {F__c: {profile: }}\n",
        ["2:35: 'profile of F__c' must be a map of names, found nothin"],
    ),
    "setting profile list": (
        HEAD + "custom_settings: {F__c: {profile: [x]}}\n",
        ["2:35: 'profile of F__c' must be a map of names, found a list"],
    ),
    "setting empty": (HEAD + "custom_settings: {F__c: }\n", ["2:19: custom setting F__c says nothing"]),
    "setting flat": (
        HEAD + "custom_settings: {F__c: {New__c: true}}\n",
        ["2:26: unknown key 'New__c' in custom setting F__c"],
    ),
    "csv text num": (
        HEAD + "records: {A: {$key: Name, from: 5}}\n",
        ["2:33: 'from' must be text, found the number 5"],
    ),
    "csv list": (
        HEAD + "records: {A: {$key: Name, from: [a.csv]}}\n",
        ["2:33: 'from' must be text, found a list"],
    ),
    "csv null": (HEAD + "records: {A: {$key: Name, from: }}\n", ["2:33: 'from' must be text, found nothing"]),
    "include map": (HEAD + "include: {a: b}\n", ["2:10: 'include' must be a list, found a map"]),
    "include num": (HEAD + "include: [5]\n", ["2:11: item 1 of 'include' must be text, found the number 5"]),
    "include null": (HEAD + "include:\n", ["2:9: 'include' must be text, found nothing"]),
    "include empty": (HEAD + "include: ['']\n", ["2:11: the path is empty or holds a NUL character"]),
    "release list": (HEAD + "release: [a]\n", ["2:10: 'release' must be text, found a list"]),
    "release num": (HEAD + "release: 5\n", ["2:10: 'release' must be text, found the number 5"]),
    "variables list": (HEAD + "variables: [a]\n", ["2:12: 'variables' must be a map, found a list"]),
    "variables null": (HEAD + "variables:\n", ["2:11: 'variables' must be a map, found nothing"]),
    "variable bad type": (
        HEAD + "variables: {v: {type: text}}\n",
        ["2:23: the type of variable 'v' must be one of 'string', 'num"],
    ),
    "variable each": (HEAD + "variables: {each: 1}\n", ["2:13: 'each' cannot name a variable"]),
    "variable secret default": (
        HEAD + "variables: {v: {type: secret, default: x}}\n",
        ["2:31: variable 'v' is secret and has a default in clear"],
    ),
    "variable name": (HEAD + "variables: {a-b: 1}\n", ["2:13: 'a-b' cannot name a variable"]),
    "checks map": (HEAD + "checks: {a: b}\n", ["2:9: 'checks' must be a list, found a map"]),
    "checks": (HEAD + "checks: [a]\n", ["2:10: check 1 must be a map, found the text 'a'"]),
    "version text": ("reconcile: '1'\n", ["1:12: 'reconcile' must be 1, found the text '1'"]),
    "version float": ("reconcile: 1.0\n", ["1:12: 'reconcile' must be 1, found the decimal number 1.0"]),
    "version null": ("reconcile:\n", ["1:11: 'reconcile' must be 1, found nothing"]),
    "list doc": ("- a\n", ["1:1: a state must be a map, found a list"]),
    "scalar doc": ("hello\n", ["1:1: a state must be a map, found the text 'hello'"]),
    "comment only": ("# x\n", ["1:1: the file is empty"]),
    "crlf ok dup": (
        (ROWS + "      A: {Name: x}\n      A: {Name: z}\n").replace("\n", "\r\n"),
        [
            "7:7: the key 'A' is written twice; the first is at line 6, c",
        ],
    ),
    "cr only": (
        (ROWS + "      A: {Name: x}\n      A: {Name: z}\n").replace("\n", "\r"),
        [
            "7:7: the key 'A' is written twice; the first is at line 6, c",
        ],
    ),
    "flow unclosed": (HEAD + "records: {Account: {\n", ["3:1: a value is missing here"]),
    "unclosed var": (ROWS + "      A: {Name: '${x'}\n", ["6:17: '${' is not closed"]),
    "empty var": (ROWS + "      A: {Name: '${}'}\n", ["6:17: '${}' names no variable"]),
    "deep": (
        HEAD + "records: " + "{a: " * 100 + "x" + "}" * 100 + "\n",
        ["2:262: this is nested deeper than 64 levels"],
    ),
}
"""Name -> the state, and how its problems begin, all of them."""


def problems_of(folder: Path, text: str | bytes) -> list[Problem]:
    (folder / "s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SpecError) as refused:
        load_desired([folder / "s.yaml"], org=None, assigned={}, var_files=(), environ={})
    return list(refused.value.problems)


def told(problem: Problem) -> str:
    assert problem.where is not None and problem.mend
    return f"{problem.where.line}:{problem.where.column}: {problem.what}"


@pytest.mark.parametrize("name", WRONG)
def test_what_is_written_wrong_is_told_where_it_stands(tmp_path: Path, name: str) -> None:
    text, beginnings = WRONG[name]
    found = [told(each) for each in problems_of(tmp_path, text)]
    assert [each[: len(begun)] for each, begun in zip(found, beginnings, strict=True)] == beginnings


def test_a_bomb_of_aliases_is_a_handful_of_problems(tmp_path: Path) -> None:
    names = "abcdefghi"
    bomb = "a: &a [x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + former] * 9)}]\n" for former, name in pairwise(names)
    )
    found = [told(each) for each in problems_of(tmp_path, HEAD + bomb)]
    assert len(found) == 4
    assert found[-1].startswith("3:12: 78 more anchors or aliases")


def test_a_key_beyond_what_yaml_reads_is_named_as_such(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, ROWS + "      " + "K" * 300_000 + ": {}\n")
    assert told(problem) == "6:1: a key has more than 1,024 characters"


COLUMNS: dict[str, tuple[str, list[str]]] = {
    "no key": ("Nam\n" + "x\n" * 50, ["1:1: the columns of Account lack its key field 'Name'"]),
    "a blank in a name": ("Name,Zip code\n" + "a,1\n" * 50, ["1:1: the column 'Zip code' is no field"]),
    "a key twice": ("Name\na\na\n", ["3:1: Account/a is declared twice"]),
    "keys left empty": (
        "Name,Site\n,1\n,2\n",
        ["2:1: a row of Account has an", "3:1: a row of Account has an"],
    ),
    "cells too few": ("Name,Site\na\n", ["2:1: the row has 1 cells"]),
    "nothing": ("", ["1:1: the file is empty"]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_wrong_record_file_is_told_at_its_line_and_a_wrong_column_once(tmp_path: Path, name: str) -> None:
    content, beginnings = COLUMNS[name]
    (tmp_path / "rows.csv").write_text(content, encoding="utf-8")
    found = problems_of(tmp_path, HEAD + "records: {Account: {$key: Name, from: rows.csv}}\n")
    assert all(each.where and each.where.file.endswith("rows.csv") for each in found)
    texts = [told(each) for each in found]
    assert [each[: len(begun)] for each, begun in zip(texts, beginnings, strict=True)] == beginnings


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_loop(path: Path) -> None:
    path.symlink_to(path.name)


def make_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [make_fifo, make_device, make_loop, make_folder])
@pytest.mark.parametrize("word", ["include: [odd.yaml]", "records: {Account: {$key: Name, from: odd.csv}}"])
def test_what_is_no_regular_file_is_refused_unread(tmp_path: Path, word: str, make: object) -> None:
    assert callable(make)
    make(tmp_path / ("odd.yaml" if "yaml" in word else "odd.csv"))
    (problem,) = problems_of(tmp_path, f"{HEAD}{word}\n")
    assert told(problem).startswith("2:")
    assert problem.mend
