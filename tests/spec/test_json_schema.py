"""The schema that editors are given is one, takes every state of ours, and marks what people get wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from reconciler.resources.registry import SECTIONS
from reconciler.spec.json_schema import json_schema, json_schema_orgs

STATES = Path(__file__).resolve().parents[2] / "states"
FILES = sorted(STATES.rglob("*.yaml"))

Check = Callable[[str], list[str]]


def validator(schema: Any) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(json.loads(json.dumps(schema)))


@pytest.fixture(scope="module")
def errors() -> Check:
    """The places in a state that an editor would mark."""
    checker = validator(json_schema({each.name: each.schema() for each in SECTIONS}))
    return lambda text: [each.json_path for each in checker.iter_errors(YAML(typ="safe").load(text))]


@pytest.mark.parametrize(
    "path", [each for each in FILES if each.name != "orgs.yaml"], ids=lambda each: each.name
)
def test_every_state_of_ours_is_taken(errors: Check, path: Path) -> None:
    assert errors(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "path", [each for each in FILES if each.name == "orgs.yaml"], ids=lambda each: each.name
)
def test_every_file_of_orgs_is_taken(path: Path) -> None:
    checker = validator(json_schema_orgs())
    assert not list(checker.iter_errors(YAML(typ="safe").load(path.read_text("utf-8"))))


ROWS = "reconcile: 1\nrecords: {Account: {$key: Name, rows: {A: %s}}}"
SET = "reconcile: 1\npermission_sets: {P: %s}"

TAKEN = {
    "an empty body": SET % "",
    "an empty row": ROWS % "",
    "a list of rows": "reconcile: 1\nrecords: {A__c: {$key: [B__c, C__r], rows: [{B__c: 1, C__r: {D: 2}}]}}",
    "a variable for a list": SET % '{assigned_to: "${people}"}',
    "a variable for a flag": 'reconcile: 1\nusers: {a@b.c: {frozen: "${frozen}"}}',
    "a variable for a row": ROWS % '"${row}"',
    "a variable for a right": SET % '{objects: {Account: ["${right}"]}}',
    "a condition on a section": "reconcile: 1\nqueues: {$when: {tags: x}, Q: {objects: [Case]}}",
    "a condition on rows": "reconcile: 1\nrecords: {A__c: {$key: B__c, $when: {tags: [x]}, from: a.csv}}",
    "every dollar key": ROWS
    % "{$depends_on: x, $absent: true, $protect: false, $create_only: [A], $ignore: B, $was: B, $limit: 5}",
    "members by word": "reconcile: 1\nqueues: {Q: {members: {exactly: [a@b.c, {role: R}], $limit: 10%}}}",
    "members one by one": "reconcile: 1\nqueues: {Q: {members: [{$for_each: [a], user: '${each.value}'}]}}",
}
MARKED = {
    "no version": "release: x",
    "another version": "reconcile: 2",
    "an unknown section": "reconcile: 1\nusres: {}",
    "a section that is a list": "reconcile: 1\nrecords: [1]",
    "a section that is filled in": 'reconcile: 1\nrecords: "${rows}"',
    "an unknown word": SET % "{lable: x}",
    "an unknown dollar key": ROWS % "{$abesnt: true}",
    "an unknown dollar key of a set": SET % "{$abesnt: true}",
    "a text for a flag": ROWS % "{$absent: 'yes'}",
    "a row that is a text": ROWS % "x",
    "a field that is no name": ROWS % "{'Na me': x}",
    "no key": "reconcile: 1\nrecords: {Account: {rows: {A: {}}}}",
    "no rows": "reconcile: 1\nrecords: {Account: {$key: Name}}",
    "an unknown word of records": "reconcile: 1\nrecords: {Account: {$key: Name, rows: {}, form: a.csv}}",
    "an unknown right": SET % "{objects: {Account: [raed]}}",
    "rights that are a text": SET % "{objects: {Account: read}}",
    "members that are a text": SET % "{assigned_to: a@b.c}",
    "a member that is a number": SET % "{assigned_to: [1]}",
    "a member by no word": SET % "{assigned_to: [{usr: a@b.c}]}",
    "a member word": SET % "{assigned_to: {include: [a@b.c]}}",
    "a label that is a number": SET % "{label: 1}",
    "a setting's word": "reconcile: 1\ncustom_settings: {F__c: {orgs: {A__c: 1}}}",
    "a setting's field": "reconcile: 1\ncustom_settings: {F__c: {org: {a b__c: 1}}}",
    "an unknown type of a variable": "reconcile: 1\nvariables: {v: {type: text}}",
    "an unknown word of a variable": "reconcile: 1\nvariables: {v: {tpye: string}}",
    "a variable that is no name": "reconcile: 1\nvariables: {a-b: 1}",
    "a condition that is a text": ROWS % "{$when: production}",
    "a condition without conditions": ROWS % "{$when: {}}",
    "a repetition of a number": ROWS % "{$for_each: 3}",
    "an include that is a map": "reconcile: 1\ninclude: {a: b}",
    "checks that are a map": "reconcile: 1\nchecks: {}",
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_right_is_not_marked(errors: Check, name: str) -> None:
    assert errors(TAKEN[name]) == []


@pytest.mark.parametrize("name", MARKED)
def test_what_is_wrong_is_marked(errors: Check, name: str) -> None:
    assert errors(MARKED[name])
