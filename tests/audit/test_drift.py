"""Bisection for where a stretch of differences begins."""

from __future__ import annotations

import random

import pytest

from audit.drift import first_divergence


def asked(first: int, newest: int, oldest: int = 0) -> tuple[int | None, int]:
    """What is found of a stretch that begins at `first`, and how many different numbers were asked of."""
    seen: set[int] = set()

    def differs(number: int) -> bool:
        seen.add(number)
        return number >= first

    return first_divergence(differs, newest, oldest), len(seen)


def test_the_first_number_of_the_stretch_is_found_wherever_it_lies():
    for newest in range(40):
        for first in range(newest + 1):
            assert asked(first, newest)[0] == first
        assert asked(newest + 1, newest) == (None, 1)


@pytest.mark.parametrize("age", [0, 1, 7, 100, 2556])
def test_questions_grow_with_the_logarithm_of_the_age(age: int):
    found, questions = asked(3000 - age, 3000)
    assert found == 3000 - age
    assert questions <= 2 * (age + 1).bit_length() + 1


def test_nothing_before_the_oldest_is_asked_for():
    asked_of: list[int] = []
    assert first_divergence(lambda number: bool(asked_of.append(number)) or True, 9, 5) == 5
    assert min(asked_of) == 5


def test_a_stretch_that_healed_long_ago_is_not_taken_for_the_last_one():
    generator = random.Random(1)
    for _ in range(200):
        first = generator.randint(50, 100)
        healed = range(10, generator.randint(11, 20))
        assert first_divergence(lambda n, f=first, h=healed: n >= f or n in h, 100, 0) in {first, 10}
        if 100 - first < 20:
            assert first_divergence(lambda n, f=first, h=healed: n >= f or n in h, 100, 0) == first
