"""No damage to a request is our bug: it is answered as Salesforce answers, and a refusal changes nothing."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.fuzz.judging import Stage, play
from tests.emulator.fuzz.sound import SURFACES
from tests.emulator.strictness.stage import make_desk

STAGE: list[Stage] = []
"""One for all examples, made by the first."""


def stage() -> Stage:
    if not STAGE:
        STAGE.append(Stage(make_desk()))
    return STAGE[0]


@pytest.mark.parametrize("surface", SURFACES)
def test_whatever_is_done_to_a_request_is_answered_as_salesforce_answers(surface: str) -> None:
    stories = SURFACES[surface]

    @settings(max_examples=40, deadline=None)
    @given(st.sampled_from(stories), st.integers(0, 2**32))
    def holds(story: object, seed: int) -> None:
        for _ in play(stage(), story, Random(seed)):  # type: ignore[arg-type]  # sampled from stories
            pass

    holds()


def test_most_requests_are_sound_before_the_damage() -> None:
    """Else it would be looked for behind the first door only."""
    refused = [
        seen for stories in SURFACES.values() for story in stories for seen in play(stage(), story, None)
    ]
    assert sum(seen.status < 400 for seen in refused) > len(refused) * 0.8
