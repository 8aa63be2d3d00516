"""Takes that begin from a sound: strengths, stretches made anew, and what stays bit by bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sounddesk.audio.recordings.repairing import CROSSFADE_S
from sounddesk.audio.recordings.repairing import put_in
from sounddesk.domain.preset import PresetName
from sounddesk.engine.generation.sound_edits import Extension
from sounddesk.engine.generation.sound_edits import Looping
from sounddesk.engine.generation.sound_edits import Regeneration
from sounddesk.engine.generation.sound_edits import SoundEdit
from sounddesk.engine.generation.sound_edits import Variation
from sounddesk.engine.generation.variation_types import VariationRequest
from sounddesk.engine.session import EngineSession
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.types import SamplingSettings

RATE = 16_000


@pytest.fixture(scope="module")
def session(tiny_bundle: Path) -> EngineSession:
    return EngineSession.open(bundle=tiny_bundle, device="cpu")


def request(
    *,
    strength: float = 0.5,
    edit: SoundEdit | None = None,
    seeds: tuple[int, ...] = (1,),
    preset: PresetName = "fast",
    seconds: float = 1.5,
    rate: int = RATE,
) -> VariationRequest:
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    mask = np.zeros((48, 64), bool)
    mask[10:30, 10:40] = True
    noise = np.random.default_rng(1).normal(0, 0.05, round(seconds * rate)).astype(np.float32)
    return VariationRequest(
        image=image,
        take=ObjectRequest(name="dog", mask=mask, seed=1),
        seeds=seeds,
        waveform=noise,
        sample_rate_hz=rate,
        edit=edit or Variation(strength=strength),
        sampling=SamplingSettings(preset=preset, steps=4),
    )


def distance(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(a - b))))


@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_strength_goes_from_a_copy_to_a_new_sound(session: EngineSession, preset: PresetName) -> None:
    copies = session.generate_variations(request(strength=0.0, seeds=(1, 2), preset=preset))
    # No noise comes in, so the seeds do not matter.
    assert np.array_equal(copies[0].waveform, copies[1].waveform)
    assert len(copies[0].waveform) == round(1.5 * copies[0].sample_rate_hz)
    made = [session.generate_variations(request(strength=each, preset=preset))[0] for each in (0.25, 1.0)]
    assert all(take.recipe["strength"] == each for take, each in zip(made, (0.25, 1.0), strict=True))
    assert 0.0 < distance(made[0].waveform, copies[0].waveform) < distance(made[1].waveform, copies[0].waveform)
    again, other = session.generate_variations(request(strength=0.25, seeds=(1, 2), preset=preset))
    assert distance(again.waveform, made[0].waveform) < 1e-3
    assert distance(other.waveform, made[0].waveform) > 1e-4


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_outside_the_stretch_not_a_bit_is_changed(session: EngineSession, rate: int) -> None:
    asked = request(edit=Regeneration(start_s=0.6, end_s=0.9), rate=rate)
    (take,) = session.generate_variations(asked)
    assert take.sample_rate_hz == rate
    assert take.recipe["regenerated_s"] == [0.6, 0.9]
    start, stop = int((0.6 - CROSSFADE_S) * rate) - 1, int((0.9 + CROSSFADE_S) * rate) + 2
    assert np.array_equal(take.waveform[:start], asked.waveform[:start])
    assert np.array_equal(take.waveform[stop:], asked.waveform[stop:])
    inside = slice(round(0.65 * rate), round(0.85 * rate))
    assert not np.array_equal(take.waveform[inside], asked.waveform[inside])


@pytest.mark.parametrize("stretch", [(0.0, 0.3), (1.2, 1.5), (0.0, 1.5)])
def test_stretches_at_the_ends_are_made_anew(session: EngineSession, stretch: tuple[float, float]) -> None:
    (take,) = session.generate_variations(request(edit=Regeneration(start_s=stretch[0], end_s=stretch[1])))
    assert len(take.waveform) == round(1.5 * RATE)
    assert np.isfinite(take.waveform).all()


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_an_extended_sound_begins_as_it_was(session: EngineSession, rate: int) -> None:
    asked = request(edit=Extension(seconds=0.7), rate=rate)
    (take,) = session.generate_variations(asked)
    assert (len(take.waveform), take.recipe["extended_s"]) == (round(2.2 * rate), 0.7)
    assert take.recipe["seconds"] == pytest.approx(2.2)
    kept = len(asked.waveform) - round(CROSSFADE_S * rate)
    assert np.array_equal(take.waveform[:kept], asked.waveform[:kept])
    assert np.abs(take.waveform[round(1.6 * rate) :]).max() > 0


def test_a_loop_is_changed_around_its_seam_alone(session: EngineSession) -> None:
    asked = request(edit=Looping(seam_s=0.4))
    (take,) = session.generate_variations(asked)
    assert len(take.waveform) == len(asked.waveform)
    assert take.recipe["loop_seam_s"] == 0.4
    edge = round((0.2 + CROSSFADE_S) * RATE)
    assert np.array_equal(take.waveform[edge:-edge], asked.waveform[edge:-edge])
    assert not np.array_equal(take.waveform[:edge], asked.waveform[:edge])
    assert not np.array_equal(take.waveform[-edge:], asked.waveform[-edge:])
    # What was made across the seam is one sound: from the last sample to the first there is no jump.
    around = np.abs(np.diff(np.concatenate([take.waveform[-200:], take.waveform[:200]])))
    assert around[199] <= 1.01 * np.delete(around, 199).max()


def test_origin_stands_in_the_recipe(session: EngineSession) -> None:
    asked = dataclasses.replace(request(), origin={"recordings": [{"file": "dog.wav"}]})
    (take,) = session.generate_variations(asked)
    assert take.recipe["recordings"] == [{"file": "dog.wav"}]


def test_a_sound_shorter_than_a_second_keeps_its_length(session: EngineSession) -> None:
    (take,) = session.generate_variations(request(seconds=0.3))
    assert len(take.waveform) == round(0.3 * take.sample_rate_hz)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strength": 1.5}, "strength is 1.5"),
        ({"edit": Regeneration(start_s=1.0, end_s=3.0)}, "range to regenerate is 1-3 s"),
        ({"edit": Regeneration(start_s=0.5, end_s=0.51)}, "at least 0.05 s"),
        ({"edit": Extension(seconds=60.0)}, "extension is 60 s"),
        ({"edit": Extension(seconds=float("nan"))}, "extension is nan s"),
        ({"edit": Looping(seam_s=0.0)}, "seam is 0 s"),
        ({"edit": Looping(), "seconds": 0.2}, "at least 0.3 s"),
        ({"seeds": ()}, "seeds"),
        ({"seconds": 61.0}, "at most 60 s"),
    ],
)
def test_what_cannot_be_made_is_refused(session: EngineSession, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        session.generate_variations(request(**changes))  # type: ignore[arg-type]


def test_levels_meet_on_both_sides_of_the_stretch() -> None:
    rng = np.random.default_rng(0)
    level = np.where(np.arange(3 * RATE) < 1.5 * RATE, 0.12, 0.2)
    original = (rng.normal(0, 1, 3 * RATE) * level).astype(np.float32)
    copy = rng.normal(0, 0.5, 3 * RATE).astype(np.float32)
    start, stop, fade, block = RATE, 2 * RATE, round(CROSSFADE_S * RATE), RATE // 5
    out = put_in(original, copy, start=start, stop=stop, sample_rate_hz=RATE)
    # Further inside the level goes over from that of one side to that of the other.
    for outside, inside in ((slice(start - block, start), slice(start, start + fade)),
                            (slice(stop, stop + block), slice(stop - fade, stop))):  # fmt: skip
        assert abs(20 * np.log10(np.std(out[inside]) / np.std(out[outside]))) < 1.0
    assert np.array_equal(out[: start - fade], original[: start - fade])
    assert np.array_equal(out[stop + fade :], original[stop + fade :])


def test_a_stretch_beside_a_faint_end_is_not_made_louder_than_the_sound() -> None:
    """The copy of a sound that dies away may be fainter still there, which says nothing of what is made anew."""
    tone = np.sin(2 * np.pi * 440 / RATE * np.arange(2 * RATE)).astype(np.float32)
    original = tone * np.repeat(np.float32([0.5, 0.5, 0.5, 0.004]), RATE // 2)
    copy = tone * np.repeat(np.float32([0.25, 0.25, 0.25, 0.0004]), RATE // 2)
    start = 2 * RATE - 2000
    copy[start:] = 0.2 * tone[start:]
    out = put_in(original, copy, start=start, stop=2 * RATE, sample_rate_hz=RATE)
    # Twice as loud, as the rest of the copy wants, and not ten times.
    assert np.abs(out[start:]).max() == pytest.approx(0.4, abs=0.01)
    copy[start:] = 0.9 * tone[start:]
    out = put_in(original, copy, start=start, stop=2 * RATE, sample_rate_hz=RATE)
    assert np.abs(out).max() <= 0.5 + 1e-6
