"""Terms of theorem 3.1 on shares with known distances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.evaluation.theorem_terms import TheoremTerms
from sounddesk.evaluation.theorem_terms import distances


def test_closed_forms() -> None:
    true = np.array([0.5, 0.5, 0.0, 0.0])
    terms = distances(true=true, mask=np.array([1.0, 0.0, 0.0, 0.0]), attention=np.full(4, 0.25))
    assert terms.mask_error == pytest.approx(1.0)
    assert terms.contrastive == pytest.approx(math.log(2))
    assert terms.attention_error == pytest.approx(1.0)
    assert terms.attention_to_mask == pytest.approx(1.5)
    same = distances(true=true, mask=true, attention=true)
    assert (same.mask_error, same.contrastive, same.attention_error) == (0.0, 0.0, 0.0)
    assert TheoremTerms.mean([terms, same]).mask_error == pytest.approx(0.5)


_SHARES = st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6).map(lambda v: np.array(v) / sum(v))


@given(true=_SHARES, attention=_SHARES)
def test_lemma_f1_bounds_the_attention_error(true: np.ndarray, attention: np.ndarray) -> None:
    terms = distances(true=true, mask=true, attention=attention)
    assert terms.attention_error <= terms.bound + 1e-9


def test_a_divergence_of_nothing_that_was_rounded_below_it_has_a_bound() -> None:
    terms = TheoremTerms(mask_error=0.0, contrastive=-1.85e-16, attention_error=1.4e-16, attention_to_mask=0.0)
    assert terms.bound == 0.0
