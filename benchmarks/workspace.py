"""A project to measure: an emulated org served by another process, and states for its records.

The object has twelve fields: a name, a key and ten more, three of four of them text, as in the
configurations that Terraform is measured on.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

OBJECT = "Bench__c"
TEXT_FIELDS = tuple(f"Text_{number}__c" for number in range(7))
NUMBER_FIELDS = tuple(f"Number_{number}__c" for number in range(3))
TOKEN_VARIABLE = "BENCH_TOKEN"
METADATA = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


@dataclass(frozen=True)
class Workspace:
    """A folder with orgs.yaml and states, and the environment to run `reconcile` in it."""

    folder: Path
    environ: Mapping[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [str(program()), *arguments]

    def write_states(self, count: int, *, changed: int = 0, source: str = "yaml") -> Path:
        """States of ``count`` records, the first ``changed`` of them with another name."""
        states = self.folder / "states"
        states.mkdir(exist_ok=True)
        file = states / "bench.yaml"
        rows = (record(number, revision=int(number < changed)) for number in range(count))
        if source == "csv":
            _write_csv(states / "bench.csv", rows)
            file.write_text(f"reconcile: 1\nrecords:\n  {OBJECT}:\n    $key: Code__c\n    from: bench.csv\n")
        else:
            _write_yaml(file, rows)
        return file


def program() -> Path:
    """`reconcile` beside the Python that runs this, or on the path."""
    beside = Path(sys.executable).with_name("reconcile")
    found = beside if beside.exists() else shutil.which("reconcile")
    if not found:
        raise SystemExit("reconcile is not installed: pip install -e .")
    return Path(found)


def record(number: int, revision: int = 0) -> dict[str, str | int]:
    texts = {field: f"value-{number % 97}-{place}" for place, field in enumerate(TEXT_FIELDS)}
    numbers = {field: number * 7 + place for place, field in enumerate(NUMBER_FIELDS)}
    return {
        "Code__c": f"rec-{number:07d}",
        "Name": f"Record number {number} rev {revision}",
        **texts,
        **numbers,
    }


@contextmanager
def served(folder: Path) -> Iterator[Workspace]:
    """A new emulated org with the object, served until the context ends."""
    _write_seed(folder / "seed")
    command = [str(program()), "emulator", "serve", "--port", "0", "--db", str(folder / "org.db")]
    server = subprocess.Popen([*command, "--seed", str(folder / "seed")], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        ready = server.stdout.readline()
        if not ready:
            raise SystemExit("the emulated org did not start")
        told = json.loads(ready)
        orgs = {"bench": {"url": told["url"], "sign_in": {"access_token": {"env": TOKEN_VARIABLE}}}}
        (folder / "orgs.yaml").write_text(json.dumps({"orgs": orgs}))  # JSON is YAML
        environ = {**os.environ, TOKEN_VARIABLE: told["access_token"], "NO_COLOR": "1"}
        environ.pop("RECONCILE_JOURNAL", None)
        yield Workspace(folder, environ)
    finally:
        server.terminate()
        server.wait()


def _write_yaml(file: Path, rows: Iterator[dict[str, str | int]]) -> None:
    with file.open("w") as out:
        out.write(f"reconcile: 1\nrecords:\n  {OBJECT}:\n    $key: Code__c\n    rows:\n")
        for each in rows:
            out.write(f"      {each['Code__c']}:\n")
            out.writelines(f"        {name}: {value}\n" for name, value in each.items() if name != "Code__c")


def _write_csv(file: Path, rows: Iterator[dict[str, str | int]]) -> None:
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, ["Code__c", "Name", *TEXT_FIELDS, *NUMBER_FIELDS])
        writer.writeheader()
        writer.writerows(rows)


def _write_seed(folder: Path) -> None:
    root = folder / "objects" / OBJECT
    (root / "fields").mkdir(parents=True)
    (root / f"{OBJECT}.object-meta.xml").write_text(
        f"<CustomObject {METADATA}><label>Bench</label><pluralLabel>Benches</pluralLabel>"
        "<nameField><label>Name</label><type>Text</type></nameField>"
        "<deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel></CustomObject>"
    )
    key = "<length>40</length><externalId>true</externalId><unique>true</unique>"
    fields = {
        "Code__c": f"<type>Text</type>{key}",
        **dict.fromkeys(TEXT_FIELDS, "<type>Text</type><length>80</length>"),
        **dict.fromkeys(NUMBER_FIELDS, "<type>Number</type><precision>18</precision><scale>0</scale>"),
    }
    for name, definition in fields.items():
        (root / "fields" / f"{name}.field-meta.xml").write_text(
            f"<CustomField {METADATA}><fullName>{name}</fullName><label>{name[:-3]}</label>{definition}"
            "</CustomField>"
        )
