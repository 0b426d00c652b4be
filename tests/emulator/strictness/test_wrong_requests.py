"""Each wrong request gets the one refusal that Salesforce gives it, and the org stays as it was."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .asking import UNVERIFIED, Desk, Row, refusal_of, rows_of
from .stage import make_desk
from .wording import Known

AT_LEAST = 400
SEEN = re.compile(r"[\w.-]+/[\w.-]+ (issue|pull request) \d+|https://\S+")
ALL = [each for table in sorted(Path(__file__).parent.glob("*.yaml")) for each in rows_of(table)]


@pytest.fixture(scope="module")
def desk() -> Desk:
    """The same for every request: none may change it, so none can disturb another."""
    return make_desk()


def rows_written(desk: Desk) -> int:
    """Also those that were taken back; when none were written nothing can have changed."""
    return int(desk.org.store.execute("SELECT total_changes()")[0][0])


@pytest.mark.parametrize("asked", ALL, ids=lambda each: each.name)
def test_a_wrong_request_is_refused_as_salesforce_does_and_changes_nothing(desk: Desk, asked: Row) -> None:
    if asked.before:
        desk = Desk(desk.org.fork(), desk.sessions, desk.ids)
    answers: list[Mapping[str, Any]] = []
    for each in asked.before:
        status, _, content = desk.send(each, answers)
        assert status < 300, content
        answers.append(json.loads(content) if content.startswith(b"{") else {})
    before, written = desk.org.snapshot(), rows_written(desk)
    assert refusal_of(*desk.send(asked.ask, answers)) == asked.refusal
    if rows_written(desk) != written:
        assert desk.org.snapshot() == before


def test_there_are_enough_of_them_and_each_has_a_name_of_its_own() -> None:
    names = [each.name for each in ALL]
    assert len(names) >= AT_LEAST
    assert len(set(names)) == len(names)


def test_each_source_is_a_chapter_of_the_facts(shared: Path) -> None:
    chapters = {path.stem for path in (shared / "salesforce-facts").glob("*.md")}
    assert chapters
    assert {each.source.partition(":")[0] for each in ALL} <= chapters | {UNVERIFIED}


def test_a_text_that_was_seen_in_public_says_where() -> None:
    seen = [each for each in ALL if each.seen]
    assert [each.name for each in seen if not SEEN.fullmatch(each.seen)] == []
    assert [each.name for each in seen if not each.verified] == []


def test_a_text_that_no_fact_tells_says_so(shared: Path) -> None:
    known = Known(shared)
    claimed = [each for each in ALL if each.verified and not each.seen and not each.own_words]
    assert [each.name for each in claimed if not known.tells(each.refusal)] == []
    assert sum(each.verified for each in ALL) >= 300
