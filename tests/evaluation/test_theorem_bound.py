"""Equation 6 on a tiny conditioner: the parts are those of the program, nothing is off where nothing differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.models.grounding import GroundingConfig
from sounddesk.engine.models.grounding import ObjectConditioner
from sounddesk.evaluation.theorem_bound import BoundTerms
from sounddesk.evaluation.theorem_bound import Objects
from sounddesk.evaluation.theorem_bound import estimate
from sounddesk.evaluation.theorem_bound import head
from sounddesk.evaluation.theorem_bound import learn_oracle
from sounddesk.evaluation.theorem_bound import lipschitz
from sounddesk.evaluation.theorem_bound import run
from sounddesk.evaluation.theorem_bound import value
from sounddesk.evaluation.theorem_bound import values_of
from tests.evaluation.conftest import COLOURS
from tests.evaluation.conftest import TABLE_HEADER
from tests.evaluation.conftest import write_cut_out

CONFIG = GroundingConfig(
    text_width=6, patch_width=5, grid=(2, 2), width=6, out_width=6, mlp_factor=1, mlp_residual=True
)


def conditioner(config: GroundingConfig = CONFIG) -> ObjectConditioner:
    torch.manual_seed(0)
    return ObjectConditioner(config).eval().requires_grad_(False)


def objects(*, alike: bool = False) -> Objects:
    generator = torch.Generator().manual_seed(1)
    shares = [torch.rand(8, 4, generator=generator).add(0.1) for _ in range(3)]
    true, mask, attention = (each / each.sum(dim=1, keepdim=True) for each in shares)
    return Objects(
        patches=torch.randn(8, 4, 5, generator=generator),
        true=true,
        mask=true if alike else mask,
        attention=true if alike else attention,
        wanted=nn.functional.normalize(torch.randn(8, 6, generator=generator), dim=1),
        scene=(0, 0, 1, 1, 2, 2, 3, 3),
    )


@pytest.mark.parametrize("position", ["post", "pre", "off"])
@pytest.mark.parametrize("residual", [True, False])
def test_values_and_head_are_the_programs_own(position: str, residual: bool) -> None:
    made = conditioner(replace(CONFIG, position=position, mlp_residual=residual))
    found = objects()
    attended = torch.einsum("np,npw->nw", found.mask, values_of(made, found.patches))
    assert torch.allclose(head(made, attended), made.fuse(found.mask, found.patches), atol=1e-6)


def test_where_nothing_differs_nothing_is_off() -> None:
    made = conditioner()
    terms = estimate(made, made, objects(alike=True))
    assert (terms.sam, terms.v, terms.f, terms.test_error) == (0, 0, 0, 0)
    assert terms.contrast == pytest.approx(0, abs=1e-6)
    assert terms.bound == pytest.approx(0, abs=1e-2)


def test_the_test_error_is_below_the_bound_and_the_oracle_better_on_what_it_learned() -> None:
    made, found = conditioner(), objects()
    oracle = learn_oracle(made, found, steps=60)
    before, after = (value(each.fuse(found.true, found.patches), found.wanted).mean() for each in (made, oracle))
    assert after > before + 0.01
    assert not any(each.requires_grad for each in oracle.parameters())
    terms = estimate(made, oracle, found)
    assert 0 < terms.test_error <= terms.bound
    assert terms.low <= terms.test_error <= terms.high
    assert min(terms.sam, terms.contrast, terms.v, terms.l_f, terms.b_v) > 0


def test_the_bound_by_hand() -> None:
    terms = BoundTerms(sam=0.5, contrast=0.02, f=0.1, v=0.3, l_v=1, l_f=2, b_v=3, test_error=0, low=0, high=0)
    assert terms.bound == pytest.approx(2 * (0.3 + 3 * (0.5 + 2 * 0.2)) + 0.5 + 0.1)


def test_the_rate_of_change_of_a_head_that_only_normalises() -> None:
    made = conditioner()
    for each in made.mlp.parameters():
        each.zero_()
    # x / |x| changes by at most 1 / |x|.
    points = torch.eye(6)[:3] * torch.tensor([[1.0], [2.0], [4.0]])
    assert lipschitz(made, points) == pytest.approx(1.0, abs=1e-5)


def test_a_set_is_measured(tmp_path: Path, bundle_in_text_space: Path) -> None:
    rows = [TABLE_HEADER]
    for kind in ("dog", "siren", "sea"):
        for split in ("train", "test"):
            write_cut_out(tmp_path / f"{kind}-{split}.png", COLOURS[kind])
            rows.append(f"{kind},picture,{kind}-{split},{kind}-{split}.png,{split},s,p,1,m,x,x,MIT,me,1,")
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    found = run(reference=tmp_path, bundle=bundle_in_text_space, scenes=1, oracle_steps=3, device="cpu")
    assert found.scenes == 1 and found.objects >= 2
    assert found.terms.test_error <= found.terms.bound
    assert "bound" in found.line() and found.to_json()["terms"]["bound"] == found.terms.bound
    with pytest.raises(BadInputError, match="no picture of the split"):
        (tmp_path / "table.csv").write_text("\n".join(row for row in rows if ",test," not in row))
        run(reference=tmp_path, bundle=bundle_in_text_space, scenes=2)
