"""Beds: windows that share one latent, their conditions, and what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.generation import bed_pipeline
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import BedRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TakeCondition


def condition(value: float, width: int = 4) -> TakeCondition:
    return TakeCondition(condition=np.full(width, value, np.float32), null=np.full(width, -value, np.float32))


@given(st.integers(1, 400), st.integers(1, 20))
def test_windows_cover_every_frame_and_overlap_by_half(total: int, half: int) -> None:
    length = min(2 * half, total)
    starts = bed_pipeline.window_starts(total, length=length)
    assert starts[0] == 0
    assert starts[-1] + length == total
    steps = np.diff(starts)
    assert (steps > 0).all()
    assert (steps <= max(1, length // 2)).all()


def test_weights_of_neighbours_add_up_to_the_same_everywhere() -> None:
    weights = bed_pipeline.window_weights(32)
    overlap = weights[:16] + weights[16:]
    assert float(overlap.max() - overlap.min()) < 1e-5
    assert float(weights.min()) > 0


class Echo(torch.nn.Module):
    """Predicts each row's condition everywhere: what comes out tells which condition acted where."""

    def forward(self, latent: torch.Tensor, _t: torch.Tensor, both: torch.Tensor, _null: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(latent) * both[:, 0, None, None, None]


@pytest.mark.parametrize("guided", [True, False])
def test_each_window_is_denoised_under_its_own_condition(guided: bool) -> None:
    starts = bed_pipeline.window_starts(80, length=16)
    values = torch.arange(len(starts), dtype=torch.float32)[:, None] + 1
    windowed = bed_pipeline.WindowedDenoiser(Echo(), starts=starts, length=16, condition=values, null=-values)
    latent = torch.zeros(2 if guided else 1, 3, 80, 4)
    predicted = windowed(latent, torch.tensor(0), values[:1], values[:1])
    conditional = predicted[-1, 0, :, 0]
    assert conditional[0] == pytest.approx(1.0, abs=1e-4)
    assert conditional[-1] == pytest.approx(len(starts), abs=1e-4)
    # Half way through an overlap both windows count alike, and nothing jumps.
    assert (conditional.diff() >= -1e-5).all()
    assert float(conditional.diff().max()) < 0.2
    if guided:
        assert torch.allclose(predicted[0], -predicted[1])


def test_a_moment_listens_to_the_nearest_frame() -> None:
    request = BedRequest(
        name="sea", conditions=(condition(1), condition(2), condition(3)), times_s=(1.0, 5.0, 9.0), seconds=10, seed=0
    )
    made, null = bed_pipeline.conditions_at(request, [0.0, 2.9, 3.1, 20.0])
    assert made[:, 0].tolist() == [1, 1, 2, 3]
    assert torch.equal(null, -made)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seconds": 0.5}, "lasts 0.5 s"),
        ({"seconds": 4000.0}, "lasts 4000 s"),
        ({"seconds": float("nan")}, "lasts nan s"),
        ({"seed": -1}, "seed"),
        ({"times_s": ()}, "1 conditions for 0 times"),
        ({"conditions": (), "times_s": ()}, "0 conditions"),
        ({"window_s": 0.1}, "window"),
    ],
)
def test_what_cannot_be_made_is_refused(changes: dict[str, object], told: str) -> None:
    request = BedRequest(name="sea", conditions=(condition(1),), times_s=(0.0,), seconds=5, seed=0)
    with pytest.raises(ValueError, match=told):
        replace(request, **changes).check()


@pytest.fixture(scope="module")
def session(bundle_folder: Path) -> EngineSession:
    return EngineSession.open(bundle=bundle_folder, device="cpu")


@pytest.fixture(scope="module")
def request_(session: EngineSession) -> BedRequest:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    mask = np.zeros((60, 80), dtype=np.bool_)
    mask[10:40, 10:30] = True
    conditions = tuple(
        session.condition(image, ObjectRequest(name="sea", mask=np.roll(mask, shift, axis=1), seed=0))
        for shift in (0, 40)
    )
    return BedRequest(
        name="sea",
        conditions=conditions,
        times_s=(1.0, 6.0),
        seconds=7.3,
        seed=3,
        sampling=SamplingSettings(steps=2),
        window_s=2.56,
    )


def test_a_bed_has_the_length_asked_for_and_the_same_samples_again(
    session: EngineSession, request_: BedRequest
) -> None:
    made = session.generate_bed(request_)
    assert made.waveform.dtype == np.float32
    assert len(made.waveform) == round(7.3 * made.sample_rate_hz)
    assert len(made.joins_s) >= 4
    assert all(0 < join < 7.3 for join in made.joins_s)
    assert np.array_equal(made.waveform, session.generate_bed(request_).waveform)
    other = session.generate_bed(replace(request_, conditions=request_.conditions[::-1]))
    assert not np.array_equal(made.waveform, other.waveform)


def test_one_window_is_a_take(session: EngineSession) -> None:
    """Where everything fits into one window, the bed is the take that `generate` makes of the same condition."""
    from sounddesk.engine.types import GenerationRequest

    image = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    mask = np.ones((60, 80), dtype=np.bool_)
    asked = ObjectRequest(name="sea", mask=mask, seed=5)
    sampling = SamplingSettings(steps=2)
    take = session.generate(GenerationRequest(image=image, takes=(asked,), seconds=2.0, sampling=sampling))[0]
    made = session.generate_bed(
        BedRequest(
            name="sea",
            conditions=(session.condition(image, asked),),
            times_s=(0.0,),
            seconds=2.0,
            seed=5,
            sampling=sampling,
            window_s=10.0,
        )
    )
    assert np.abs(made.waveform - take.waveform).max() < 1e-5


def test_a_bed_can_be_cancelled(session: EngineSession, request_: BedRequest) -> None:
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        session.generate_bed(request_, cancel=cancel, on_progress=lambda report: cancel.cancel())
