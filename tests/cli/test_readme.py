"""What the README shows is what happens."""

import re
from pathlib import Path
from typing import Any

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
VARYING = (r"\d{4}-\d\d-\d\d-demo-\w{5}", r"\d{4}-\d\d-\d\dT[\d:.]+\+0000", r"in \d+\.\d s")
"""Plan ids, moments and durations differ from run to run."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def levelled(text: str) -> str:
    for pattern in VARYING:
        text = re.sub(pattern, "VARIES", text)
    return text


def test_the_demo_prints_what_the_readme_shows(cli: Any) -> None:
    shown = next(block for block in blocks("") if block.startswith("$ make demo"))
    (cli.folder / "states").mkdir()
    (cli.folder / "quickstart.yaml").rename(cli.folder / "states" / "quickstart.yaml")
    said = cli.together("demo", "states/quickstart.yaml")
    parts = [levelled(part) for part in shown.removeprefix("$ make demo\n").rstrip().split("…\n")]
    pattern = ".*?".join(re.escape(part) for part in parts)
    assert re.fullmatch(pattern, levelled(said).rstrip(), re.DOTALL), said


def test_the_readme_s_states_and_orgs_are_valid(cli: Any) -> None:
    state, orgs = blocks("yaml")
    cli.write("shown.yaml", state)
    cli.write("orgs.yaml", orgs)
    assert cli("validate", "shown.yaml").code == 0
    assert "prod: by its sign-in (production, protected)" in cli("orgs", "list").out


def test_the_tour_can_be_walked(cli: Any) -> None:
    assert cli("init").code == 0
    assert cli("validate").code == 0
    assert cli("plan", "--org", "demo").code == 0
    plan_id = cli.newest()
    assert cli("apply", plan_id).code == 0
    assert cli("revert", plan_id, "--auto-approve").code == 0
    assert plan_id in cli("history").out
