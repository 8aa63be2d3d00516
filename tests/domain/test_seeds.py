from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.seeds import MAX_SEED
from sounddesk.domain.seeds import check_seed
from sounddesk.domain.seeds import take_seed


@given(st.integers(0, MAX_SEED), st.text(st.characters()), st.integers(0, 1000))
def test_seed_is_in_range_and_depends_on_each_argument(seed: int, name: str, take: int) -> None:
    derived = take_seed(seed, name=name, take=take)
    check_seed(derived)
    others = {
        take_seed(seed ^ 1, name=name, take=take),
        take_seed(seed, name=name + "x", take=take),
        take_seed(seed, name=name, take=take + 1),
    }
    assert derived not in others
    assert len(others) == 3


def test_seeds_never_change_between_versions() -> None:
    assert take_seed(7, name="dog", take=0) == 2453625775488227258


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
def test_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=f"seed is {seed}: choose from 0"):
        take_seed(seed, name="dog", take=0)


def test_negative_take_is_refused() -> None:
    with pytest.raises(ValueError, match="take is -1"):
        take_seed(0, name="dog", take=-1)


def test_unicode_form_of_the_name_makes_no_difference() -> None:
    assert take_seed(7, name="d\u00f3g", take=0) == take_seed(7, name="do\u0301g", take=0)
