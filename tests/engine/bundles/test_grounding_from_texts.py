"""A grounding fitted on texts: the conditioner computes the map exactly, and a bundle of published parts has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from benchmarks.common import shapes_request
from sounddesk.cli.main import main
from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.grounding_from_texts import ImageStatistics
from sounddesk.engine.bundles.grounding_from_texts import encode_texts
from sounddesk.engine.bundles.grounding_from_texts import ground_from_texts
from sounddesk.engine.models.text_alignment import fit_alignment
from sounddesk.engine.models.text_encoder import ClapTextEncoder
from sounddesk.engine.session import EngineSession
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.vocabulary import TextPair
from tests.published_parts import write_tiny_parts

WIDTH, GRID = 8, (3, 3)
THINGS = 60


def vectors(count: int, *, seed: int) -> torch.Tensor:
    return normalize(torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(seed)), dim=-1)


def images() -> ImageStatistics:
    patches = vectors(4 * 9, seed=3).reshape(4, 9, WIDTH) + 0.5
    return ImageStatistics(patches=patches, mean=patches.flatten(0, 1).mean(dim=0), norm=0.25)


def pairs() -> list[TextPair]:
    return [TextPair(picture=f"p{index}", sound=f"s{index}", thing=f"t{index}") for index in range(THINGS)]


def test_the_conditioner_is_the_map_and_masks_take_patches_to_it() -> None:
    picture = vectors(THINGS, seed=0)
    # Bent, so that the random features have something to do.
    sound = normalize((2.0 * picture).abs() + 0.5 * picture.flip(-1), dim=-1)
    null = vectors(1, seed=5)[0]
    conditioner, report = ground_from_texts((picture, sound), pairs(), images(), grid=GRID, null=null)
    alignment, same = fit_alignment(picture, sound, [pair.thing for pair in pairs()], features=2 * WIDTH)
    assert report == same
    statistics = images()
    weights = torch.tensor([[0.5, 0.5] + [0.0] * 7])
    scale = alignment.source_norm / statistics.norm
    centred = scale * (statistics.patches[1, :2].mean(dim=0) - statistics.mean)
    torch.testing.assert_close(
        conditioner.fuse(weights, statistics.patches[1:2]), alignment.map_centred(centred[None]), atol=1e-5, rtol=1e-4
    )
    torch.testing.assert_close(conditioner.null(statistics.patches[:1])[0], null)
    std = conditioner.attention_std()
    assert std is not None
    assert 0.0 < std < 0.32


def test_attention_of_a_sound_falls_on_the_patch_that_shows_it() -> None:
    picture = vectors(THINGS, seed=0)
    sound = normalize(picture @ torch.linalg.qr(vectors(WIDTH, seed=1)).Q, dim=-1)
    statistics = images()
    conditioner, _ = ground_from_texts((picture, sound), pairs(), statistics, grid=GRID, null=sound[0])
    patches = statistics.mean.repeat(1, 9, 1)
    patches[0, 4] += picture[7]
    assert int(conditioner.weights(sound[7:8], patches)[0].argmax()) == 4


def test_what_all_sounds_have_in_common_looks_nowhere() -> None:
    picture = vectors(THINGS, seed=0)
    common = 2.0 * vectors(1, seed=7)
    sound = normalize(picture @ torch.linalg.qr(vectors(WIDTH, seed=1)).Q + common, dim=-1)
    statistics = images()
    conditioner, _ = ground_from_texts((picture, sound), pairs(), statistics, grid=GRID, null=sound[0])
    looks = conditioner.weights(sound.mean(dim=0, keepdim=True), statistics.patches[:1])[0]
    torch.testing.assert_close(looks, torch.full((9,), 1 / 9), atol=1e-4, rtol=0)


def test_patches_of_another_space_are_refused() -> None:
    statistics = images()
    wide = ImageStatistics(patches=statistics.patches.repeat(1, 1, 2), mean=statistics.mean.repeat(2), norm=1.0)
    with pytest.raises(EngineError, match="patches have 16 numbers and texts 8"):
        ground_from_texts((vectors(THINGS, seed=0), vectors(THINGS, seed=1)), pairs(), wide, grid=GRID, null=wide.mean)


def test_short_texts_are_encoded_as_when_padded_to_512_tokens(tmp_path: Path) -> None:
    audioldm, _ = write_tiny_parts(tmp_path)
    clap = ClapTextEncoder.load(audioldm / "text_encoder")
    texts = ["a dog barking", "rain", "an engine that starts, idles and dies"]
    torch.testing.assert_close(clap.encode(texts, padding="longest"), clap.encode(texts), atol=1e-5, rtol=1e-5)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        encode_texts(clap, texts, stage="texts", cancel=token)


def test_an_assembled_bundle_has_it_and_says_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audioldm, clip = write_tiny_parts(tmp_path)
    out = tmp_path / "bundle"
    given = ["--audioldm", str(audioldm), "--clip", str(clip), "--out", str(out)]
    assert main(["models", "assemble", "paper-s", *given]) == 0
    assert "fitted on words, not trained on sound" in capsys.readouterr().out
    bundle = Bundle.open(out)
    card = bundle.document("card.md").read_text()
    assert "not trained" in card
    assert str(tmp_path) not in card
    sampling = SamplingSettings(preset="paper", steps=2, guidance=2.0)
    with EngineSession.open(bundle=bundle, device="cpu") as session:
        (take,) = session.generate(shapes_request(1, seconds=1.0, seeds=[1], sampling=sampling))
    assert not any("no attention statistics" in note for note in take.notes)
    assert np.abs(take.waveform).max() > 1e-3
    assert main(["models", "assemble", "paper-s", *given, "--overwrite", "--grounding", "fresh"]) == 0
    assert "grounding is fresh" in capsys.readouterr().out
