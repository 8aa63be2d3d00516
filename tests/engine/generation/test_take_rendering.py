from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from sounddesk.domain.seeds import redraw_seed
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.generation import postprocess
from sounddesk.engine.generation.take_rendering import MOST_REDRAWS
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import TextRequest
from tests.tiny_bundle import build_tiny_bundle

SEEDS = (1, 2, 3, 4)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineSession]:
    # Its texts are conditions.
    folder = build_tiny_bundle(tmp_path_factory.mktemp("bundle"), out_width=32)
    with EngineSession.open(bundle=Bundle.open(folder), device="cpu") as opened:
        yield opened


def takes(session: EngineSession, *seeds: int) -> list[GeneratedTake]:
    sampling = SamplingSettings(steps=1)
    request = TextRequest(prompts=("dog",) * len(seeds), seeds=seeds, seconds=1.0, sampling=sampling)
    return session.generate_from_text(request)


def peak(take: GeneratedTake) -> float:
    return float(np.abs(take.waveform).max())


def test_silent_takes_alone_are_drawn_again_and_say_so(session: EngineSession, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = takes(session, *SEEDS)
    # No weights give silence on demand, so what counts as silent is set between the peaks that there are.
    quietest = int(np.argmin([peak(take) for take in plain]))
    monkeypatch.setattr(postprocess, "SILENCE_PEAK", 1.0001 * peak(plain[quietest]))
    seed = SEEDS[quietest]
    made = takes(session, *SEEDS)
    for index, (before, take) in enumerate(zip(plain, made, strict=True)):
        if index != quietest:
            assert np.array_equal(before.waveform, take.waveform)
            assert "drawn_seed" not in take.recipe
    redrawn = made[quietest]
    drawn = redrawn.recipe["drawn_seed"]
    assert redrawn.recipe["seed"] == seed
    assert drawn in [redraw_seed(seed, attempt=attempt) for attempt in range(1, MOST_REDRAWS + 1)]
    assert f"seed {seed} gave silence: drawn again from seed {drawn}, which follows from it" in redrawn.notes
    (direct,) = takes(session, drawn)
    assert np.abs(direct.waveform - redrawn.waveform).max() < 1e-3
    (alone,) = takes(session, seed)
    assert alone.recipe["drawn_seed"] == drawn
    assert np.abs(alone.waveform - redrawn.waveform).max() < 1e-3


def test_every_attempt_draws_from_another_seed(session: EngineSession, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = range(1, MOST_REDRAWS + 1)
    tried = {seed: (seed, *(redraw_seed(seed, attempt=attempt) for attempt in attempts)) for seed in SEEDS}
    peaks = {seed: [peak(take) for take in takes(session, *seeds)] for seed, seeds in tried.items()}
    # One whose first attempt is no louder than itself, and a later one is.
    seed = next(seed for seed, each in peaks.items() if max(each[2:]) > 1.01 * max(each[:2]))
    silence = 1.001 * max(peaks[seed][:2])
    monkeypatch.setattr(postprocess, "SILENCE_PEAK", silence)
    (take,) = takes(session, seed)
    assert take.recipe["drawn_seed"] == next(
        drawn for drawn, found in zip(tried[seed], peaks[seed], strict=True) if found > silence
    )


def test_what_stays_silent_keeps_its_own_seed_and_is_announced(
    session: EngineSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    (plain,) = takes(session, 1)
    monkeypatch.setattr(postprocess, "SILENCE_PEAK", 10.0)
    (take,) = takes(session, 1)
    assert np.array_equal(take.waveform, plain.waveform)
    assert "drawn_seed" not in take.recipe
    assert any(note.startswith("take is silent") for note in take.notes)
