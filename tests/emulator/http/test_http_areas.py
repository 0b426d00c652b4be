"""Claims about which modules of endpoints are imported for which address."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.emulator.http import endpoints, routing

ROOT = Path(__file__).parents[3]


def area(template: str) -> str:
    return endpoints.area_of([each for each in template.split("/") if each])


def test_an_area_names_every_module_that_has_a_route_in_it() -> None:
    found: dict[str, set[str]] = {}
    for route in routing.routes():
        name = route.endpoint.__module__.rpartition(".")[2]
        found.setdefault(area(route.template), set()).add(name)
    assert found == {each: set(names) for each, names in endpoints.AREAS.items()}


def test_every_module_with_a_route_is_in_an_area() -> None:
    folder = Path(endpoints.__file__).parent
    named = {name for names in endpoints.AREAS.values() for name in names}
    registering = {
        path.stem for path in folder.glob("*.py") if re.search(r"^@route\(", path.read_text("utf-8"), re.M)
    }
    assert registering <= named


@pytest.mark.parametrize(
    "path", ["/services/data/v64.0/sobjects/Account/describe", "/services/oauth2/token", "/services/data"]
)
def test_an_address_is_answered_by_the_same_route_whatever_was_asked_before(path: str) -> None:
    method = "POST" if path.endswith("token") else "GET"
    code = (
        "from reconciler.emulator.http import routing; "
        f"print(routing.find({method!r}, {path!r}).route.template)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    routing.routes()
    found = routing.find(method, path)
    assert found is not None
    assert done.stdout.strip() == found.route.template


def test_an_address_of_no_area_finds_no_route() -> None:
    assert routing.find("GET", "/services/data/v64.0/chatter") is None
    assert routing.find("GET", "/") is None
