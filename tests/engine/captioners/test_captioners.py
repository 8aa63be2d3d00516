"""Captioners of the real classes at tiny size: what they say, which one is taken, and what a request becomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.domain.object_names import NameGuess
from sounddesk.domain.object_names import RecognisedObject
from sounddesk.engine.captioners.blip import BlipCaptioner
from sounddesk.engine.captioners.captioned_request import captioned_request
from sounddesk.engine.captioners.captioned_request import lacks_words
from sounddesk.engine.captioners.choice import find_captioner
from sounddesk.engine.captioners.choice import open_captioner
from sounddesk.engine.captioners.clip import ClipCaptioner
from sounddesk.engine.captioners.object_view import object_view
from sounddesk.engine.captioners.registry import CAPTIONERS
from sounddesk.engine.catalogue.entries import load_catalogue
from sounddesk.engine.perception.recognition import RecognisesObjects
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.starter.captioner import StarterCaptioner
from sounddesk.engine.starter.names import FirstConfident
from sounddesk.engine.starter.names import open_names
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import ObjectRequest
from sounddesk.engine.vocabulary import Phrase
from tests.engine.captioners import captioner_parts

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
MASK = np.zeros((48, 64), dtype=bool)
MASK[4:24, 40:60] = True
PHRASES = [
    Phrase(source="kinds", thing="dog", sound="a dog barking"),
    Phrase(source="ucs", thing="dog", sound="dog, whining"),
    Phrase(source="kinds", thing="rain", sound="rain falling"),
    Phrase(source="kinds", thing="car", sound="a car passing by"),
]


@pytest.fixture(scope="module")
def with_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clip")
    captioner_parts.install_clip(root)
    return root


@pytest.fixture(scope="module")
def clip(with_clip: Path) -> ClipCaptioner:
    return ClipCaptioner.load(with_clip / "weights" / "clip-vit-b-32", PHRASES)


@pytest.fixture(scope="module")
def blip(tmp_path_factory: pytest.TempPathFactory) -> BlipCaptioner:
    return BlipCaptioner.load(captioner_parts.install_blip(tmp_path_factory.mktemp("blip")))


class _Says:
    """A captioner of fixed words; counts what it is asked."""

    def __init__(self, name: str, *, confidence: float = 0.9) -> None:
        self.asked: list[str] = []
        self._guess = NameGuess(name=name, prompt=f"a {name} sounding", confidence=confidence)

    def recognise(self, image: np.ndarray, mask: np.ndarray) -> RecognisedObject:
        self.asked.append("object")
        return RecognisedObject(guesses=(self._guess,), least_confidence=0.5)

    def describe(self, image: np.ndarray, *, cancel: CancelToken | None = None) -> str:
        self.asked.append("image")
        return "a whole farm"


def takes(*, kinds: tuple[str, ...] = ("object", "object", "blend", "ambience")) -> tuple[ObjectRequest, ...]:
    return tuple(
        ObjectRequest(name=f"{kind} {number}", mask=MASK, seed=number, kind=kind)  # type: ignore[arg-type]
        for number, kind in enumerate(kinds)
    )


def test_clip_guesses_are_its_likeliest_phrases_with_their_shares(clip: ClipCaptioner) -> None:
    answer = clip.recognise(IMAGE, MASK)
    assert {guess.name for guess in answer.guesses} == {"dog", "rain", "car"}
    assert sum(guess.confidence for guess in answer.guesses) == pytest.approx(1.0)
    confidences = [guess.confidence for guess in answer.guesses]
    assert confidences == sorted(confidences, reverse=True)
    # The first way to say it is the vocabulary's.
    assert next(guess.prompt for guess in answer.guesses if guess.name == "dog") == "a dog barking"
    assert clip.recognise(IMAGE, MASK) == answer


def test_clip_shares_are_those_of_transformers_own_model(clip: ClipCaptioner, with_clip: Path) -> None:
    from transformers import CLIPModel

    model = CLIPModel.from_pretrained(with_clip / "weights" / "clip-vit-b-32").eval()
    from sounddesk.engine.captioners.picture_input import picture_input

    texts = clip._texts.tokenizer(
        ["a photo of dog", "a photo of rain", "a photo of car"], padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        output = model(pixel_values=picture_input(object_view(IMAGE, MASK), side=32), **texts)
    cosines = output.image_embeds @ output.text_embeds.T
    expected = torch.softmax(100.0 * cosines[0], dim=0)
    found = {guess.name: guess.confidence for guess in clip.recognise(IMAGE, MASK).guesses}
    np.testing.assert_allclose([found["dog"], found["rain"], found["car"]], expected.numpy(), atol=1e-4)


def test_clip_describes_a_picture_by_phrases_and_can_be_stopped(with_clip: Path, clip: ClipCaptioner) -> None:
    said = clip.describe(IMAGE).split(" and ")
    assert 1 <= len(said) <= 3
    assert set(said) <= {"a dog barking", "rain falling", "a car passing by"}
    fresh = ClipCaptioner.load(with_clip / "weights" / "clip-vit-b-32", PHRASES)
    stopped = CancelToken()
    stopped.cancel()
    with pytest.raises(Cancelled):
        fresh.describe(IMAGE, cancel=stopped)


def test_blip_writes_what_its_own_generate_writes_and_never_a_name(blip: BlipCaptioner) -> None:
    answer = blip.recognise(IMAGE, MASK)
    assert answer.name is None
    assert answer.guesses[0].prompt == answer.guesses[0].name
    assert 0 < answer.guesses[0].confidence <= 1
    assert blip.describe(IMAGE) == blip.describe(IMAGE)
    assert blip.describe(IMAGE).strip()


def test_an_object_is_shown_whole_and_what_is_around_it_dimmed() -> None:
    image = np.full((50, 80, 3), 200, dtype=np.uint8)
    mask = np.zeros((50, 80), dtype=bool)
    mask[0:20, 70:80] = True
    image[mask] = (10, 20, 30)
    view = object_view(image, mask)
    assert view.shape[0] == view.shape[1]
    assert (view == (10, 20, 30)).all(axis=-1).sum() == mask.sum()
    colours = {tuple(colour) for colour in view.reshape(-1, 3)}
    # The object, the dimmed scene, and grey beyond the edge.
    assert colours == {(10, 20, 30), (164, 164, 164), (128, 128, 128)}
    with pytest.raises(EmptySelectionError):
        object_view(image, np.zeros((50, 80), dtype=bool))


def test_the_installed_captioner_goes_before_the_starters(with_clip: Path, tmp_path: Path) -> None:
    chosen = open_captioner(models_folder=with_clip)
    assert isinstance(chosen.captioner, ClipCaptioner)
    assert chosen.label == "clip-vit-b-32"
    assert find_captioner(models_folder=tmp_path).label == "the starter's recognition"


def test_a_damaged_captioner_is_named(tmp_path: Path) -> None:
    folder = captioner_parts.install_clip(tmp_path)
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(EngineError, match=r"model.safetensors"):
        open_captioner(models_folder=tmp_path)


def test_names_come_from_the_calibrated_recogniser_first(with_clip: Path) -> None:
    sure, unsure, other = _Says("dog"), _Says("dog", confidence=0.1), _Says("zebra")
    named = FirstConfident(sure, other).recognise(IMAGE, MASK).name
    assert named is not None
    assert (named.name, other.asked) == ("dog", [])
    second = FirstConfident(unsure, other).recognise(IMAGE, MASK).name
    assert second is not None
    assert second.name == "zebra"
    neither = FirstConfident(unsure, _Says("zebra", confidence=0.2)).recognise(IMAGE, MASK)
    assert (neither.name, neither.guesses[0].name) == (None, "dog")
    assert isinstance(open_names(models_folder=with_clip), FirstConfident)


def test_every_model_that_a_captioner_loads_is_in_the_catalogue() -> None:
    catalogue = load_catalogue()
    listed = {model for captioner in CAPTIONERS for model in captioner.models}
    assert listed == {"blip-large", "clip-vit-b-16", "clip-vit-b-32"}
    assert listed <= set(catalogue)


def test_caption_mix_gives_each_object_its_own_words_and_a_blend_those_of_its_objects() -> None:
    says = _Says("dog")
    request = GenerationRequest(image=IMAGE, takes=takes(), grounding="caption-mix")
    assert lacks_words(request)
    made = captioned_request(request, says)
    assert [take.proposed_prompt for take in made.takes] == ["a dog sounding", "a dog sounding", None, None]
    assert says.asked == ["object", "object"]
    alone = GenerationRequest(image=IMAGE, takes=takes(kinds=("blend",)), grounding="caption-mix")
    assert captioned_request(alone, says).takes[0].proposed_prompt == "a dog sounding"


def test_caption_gives_all_takes_the_words_of_the_picture_and_prompts_stay() -> None:
    says = _Says("dog")
    own = ObjectRequest(name="car", mask=MASK, seed=1, prompt="siren")
    request = GenerationRequest(image=IMAGE, takes=(*takes(), own), grounding="caption")
    made = captioned_request(request, says)
    assert [take.proposed_prompt for take in made.takes] == ["a whole farm"] * 4 + [None]
    assert says.asked == ["image"]
    plain = GenerationRequest(image=IMAGE, takes=takes())
    assert not lacks_words(plain)
    assert captioned_request(plain, says) is plain


def test_the_starter_says_what_it_is_sure_of_else_its_best_guess() -> None:
    from sounddesk.engine.segmenters.protocol import Candidate
    from sounddesk.engine.segmenters.protocol import EncodedImage

    class Proposes:
        name = "two squares"

        def encode(self, image: np.ndarray) -> EncodedImage:
            return EncodedImage(image=image, sha256="", segmenter=self.name, features=None)

        def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> list[Candidate]:
            masks = [MASK, np.roll(MASK, -35, axis=1)]
            return [Candidate(mask=mask, probability=mask.astype(np.float32), score=0.5) for mask in masks]

    sure: RecognisesObjects = _Says("dog")
    assert StarterCaptioner(sure, Proposes()).describe(IMAGE) == "a dog sounding"
    unsure = StarterCaptioner(_Says("cat", confidence=0.3), Proposes())
    assert unsure.describe(IMAGE) == "a cat sounding"
    assert unsure.recognise(IMAGE, MASK).name is None
