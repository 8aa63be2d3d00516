"""Which variants of the ablation share what they learn."""

from __future__ import annotations

from sounddesk.training.ablation.ablation_runs import VARIANTS
from sounddesk.training.ablation.ablation_runs import grounding_variant


def test_variants_that_learn_one_grounding_learn_it_once() -> None:
    shared = {name: grounding_variant(variant) for name, variant in VARIANTS.items()}
    of_full = {name for name, owner in shared.items() if owner == "full"}
    assert of_full == {"full", "frozen", *(name for name in VARIANTS if name.startswith("threshold_"))}
    # What differs in heads, score, query, position or weights has its own.
    assert all(owner == name for name, owner in shared.items() if name not in of_full)
