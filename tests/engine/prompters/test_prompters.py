"""Prompters of the real classes at tiny size against transformers' own post-processing, and how a thing is chosen."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import EngineError
from sounddesk.engine.catalogue.entries import load_catalogue
from sounddesk.engine.catalogue.model_adding import link_model
from sounddesk.engine.licence import Licence
from sounddesk.engine.prompters.choice import open_prompter
from sounddesk.engine.prompters.detectors import GroundingDinoPrompter
from sounddesk.engine.prompters.detectors import Owlv2Prompter
from sounddesk.engine.prompters.detectors import found_boxes
from sounddesk.engine.prompters.detectors import load_network
from sounddesk.engine.prompters.mask_networks import ClipSegPrompter
from sounddesk.engine.prompters.mask_networks import Sam3Prompter
from sounddesk.engine.prompters.mask_networks import hot_regions
from sounddesk.engine.prompters.phrase import Phrase
from sounddesk.engine.prompters.phrase import read_phrase
from sounddesk.engine.prompters.registry import PROMPTERS
from sounddesk.engine.prompters.registry import FoundThing
from sounddesk.engine.prompters.said_object import choose
from sounddesk.engine.prompters.said_object import find_said
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.segmenters.protocol import EmptySelectionError
from sounddesk.engine.segmenters.protocol import PromptError
from sounddesk.engine.tasks import CancelToken
from tests.engine.prompters import prompter_parts

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
WRITERS: dict[str, tuple[Callable[[Path], None], Any]] = {
    "owlv2-base": (prompter_parts.write_owlv2, Owlv2Prompter),
    "grounding-dino-tiny": (prompter_parts.write_grounding_dino, GroundingDinoPrompter),
    "clipseg-rd64": (prompter_parts.write_clipseg, ClipSegPrompter),
    "sam3": (prompter_parts.write_sam3, Sam3Prompter),
}
NAMES = pytest.mark.parametrize("name", list(WRITERS))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name, (write, _) in WRITERS.items():
        made[name] = tmp_path_factory.mktemp(name)
        write(made[name])
    return made


class _Finds:
    """A prompter of fixed answers."""

    name = "squares"

    def __init__(self, *found: FoundThing) -> None:
        self._found = found
        self.asked: list[str] = []

    def find(self, image: np.ndarray, thing: str, *, cancel: CancelToken | None = None) -> Sequence[FoundThing]:
        self.asked.append(thing)
        return self._found


def thing(left: float, top: float, right: float, bottom: float, *, score: float = 0.9) -> FoundThing:
    return FoundThing(box=(left, top, right, bottom), score=score)


@NAMES
def test_each_finds_boxes_inside_the_image_the_likeliest_first_and_can_be_stopped(
    name: str, folders: dict[str, Path]
) -> None:
    prompter = WRITERS[name][1].load(folders[name], "cpu")
    found = prompter.find(IMAGE, "dog")
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    for each in found:
        left, top, right, bottom = each.box
        assert 0 <= left < right <= 64
        assert 0 <= top < bottom <= 48
    stopped = CancelToken()
    stopped.cancel()
    with pytest.raises(Cancelled):
        prompter.find(IMAGE, "dog", cancel=stopped)


def test_owlv2_boxes_are_those_of_transformers(folders: dict[str, Path]) -> None:
    from transformers import Owlv2ForObjectDetection
    from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

    model, tokenizer = load_network(Owlv2ForObjectDetection, folders["owlv2-base"], name="OWLv2", device="cpu")
    ours = Owlv2Prompter(model, tokenizer, least=0.0).find(IMAGE, "dog")
    processor = Owlv2ImageProcessorPil(size={"height": 32, "width": 32})
    square = np.full((64, 64, 3), 128, dtype=np.uint8)
    square[:48] = IMAGE
    import cv2

    small = cv2.resize(square, (32, 32), interpolation=cv2.INTER_AREA)
    pixels = torch.from_numpy(
        ((small / 255.0 - np.array(processor.image_mean)) / np.array(processor.image_std)).transpose(2, 0, 1)[None]
    ).float()
    tokens = tokenizer(["a photo of a dog"], padding="max_length", max_length=16, return_tensors="pt")
    with torch.no_grad():
        output = model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], pixel_values=pixels)
    theirs = processor.post_process_object_detection(output, threshold=0.0, target_sizes=torch.tensor([[64, 64]]))[0]
    best = int(theirs["scores"].argmax())
    assert ours[0].score == pytest.approx(float(theirs["scores"][best]), abs=1e-6)
    left, top, right, bottom = theirs["boxes"][best].tolist()
    expected = (max(0, left), max(0, top), min(64, right), min(48, bottom))
    assert ours[0].box == pytest.approx(expected, abs=1e-3)


def test_sam3_masks_are_those_of_transformers(folders: dict[str, Path]) -> None:
    from transformers import Sam3Model

    model, tokenizer = load_network(Sam3Model, folders["sam3"], name="SAM 3", device="cpu")
    ours = Sam3Prompter(model, tokenizer, least=0.0).find(IMAGE, "dog")
    assert ours
    assert all(each.is_final and each.probability is not None for each in ours)
    for each in ours:
        assert each.probability is not None
        assert each.probability.shape == (48, 64)
        assert 0.0 <= float(each.probability.min()) <= float(each.probability.max()) <= 1.0


def test_boxes_much_like_a_better_one_are_left_out() -> None:
    boxes = torch.tensor([[20.0, 20.0, 20.0, 20.0], [21.0, 20.0, 20.0, 20.0], [50.0, 20.0, 10.0, 10.0]])
    found = found_boxes(boxes, torch.tensor([0.5, 0.9, 0.3]), image=IMAGE, least=0.2)
    assert [each.box for each in found] == [(11.0, 10.0, 31.0, 30.0), (45.0, 15.0, 55.0, 25.0)]
    assert found_boxes(boxes, torch.tensor([0.1, 0.1, 0.1]), image=IMAGE, least=0.2) == []


def test_hot_regions_are_apart_and_nothing_is_hot_in_the_cold() -> None:
    heat = np.zeros((48, 64), dtype=np.float32)
    heat[4:14, 4:14] = 0.6
    heat[30:40, 40:60] = 0.8
    heat[35, 50] = 0.9
    hot, warm = hot_regions(heat)
    assert hot.box == (40, 30, 60, 40)
    assert hot.click == (50.5, 35.5)
    assert warm.box == (4, 4, 14, 14)
    assert hot_regions(np.full((48, 64), 0.05, dtype=np.float32)) == []


@NAMES
def test_an_installed_one_goes_before_the_starters(name: str, folders: dict[str, Path], tmp_path: Path) -> None:
    licence = Licence(name="House licence", commercial="yes")
    link_model(folders[name], model_id=name, kind="prompter", licence=licence, root=tmp_path)
    assert type(open_prompter(models_folder=tmp_path)) is WRITERS[name][1]


def test_a_damaged_one_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "owl"
    prompter_parts.write_owlv2(folder)
    (folder / "config.json").write_text("{}")
    with pytest.raises(EngineError, match="OWLv2 cannot be loaded"):
        Owlv2Prompter.load(folder, "cpu")


def test_every_model_that_a_prompter_loads_is_in_the_catalogue() -> None:
    listed = {model for prompter in PROMPTERS for model in prompter.models}
    assert listed == set(WRITERS)
    assert listed <= set(load_catalogue())


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("dog", Phrase(thing="dog")),
        ("the dog on the left", Phrase(thing="dog", places=("left",))),
        ("a dog at the top right", Phrase(thing="dog", places=("top", "right"))),
        ("the biggest red car", Phrase(thing="red car", places=("biggest",))),
        ("leftmost dog.", Phrase(thing="dog", places=("left",))),
        ("second tree from the right", Phrase(thing="tree", places=("right",), nth=1)),
        ("lower-left window", Phrase(thing="window", places=("bottom", "left"))),
        ("the dog in the middle", Phrase(thing="dog", places=("middle",))),
        # Not a place: what it is.
        ("first violin", Phrase(thing="first violin")),
        ("man in the car", Phrase(thing="man in the car")),
        ("copyright sign", Phrase(thing="copyright sign")),
        ("Straßenbahn links", Phrase(thing="Straßenbahn links")),
    ],
)
def test_phrases(text: str, phrase: Phrase) -> None:
    assert read_phrase(text) == phrase


@pytest.mark.parametrize("text", ["", "the", "on the left", "  ", "?!"])
def test_a_phrase_without_a_thing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no thing"):
        read_phrase(text)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("dog", 1),
        ("dog on the left", 0),
        ("dog on the right", 2),
        ("biggest dog", 1),
        ("smallest dog", 0),
        ("second dog from the left", 1),
        ("third dog from the left", 2),
        ("dog at the bottom", 2),
    ],
)
def test_a_place_chooses_among_those_that_look_like_it(text: str, chosen: int) -> None:
    dogs = [thing(2, 10, 8, 16, score=0.8), thing(20, 5, 40, 30), thing(45, 30, 60, 45, score=0.5)]
    # A cat far to the left looks little like a dog.
    found = [*dogs, thing(0, 0, 2, 2, score=0.1)]
    assert choose(found, read_phrase(text), size=(64, 48)) is dogs[chosen]


def test_more_than_there_are_is_nothing() -> None:
    dogs = [thing(2, 10, 8, 16), thing(20, 5, 40, 30)]
    assert choose(dogs, read_phrase("third dog from the left"), size=(64, 48)) is None
    assert choose([], read_phrase("dog"), size=(64, 48)) is None


def test_a_phrase_becomes_the_segmenters_mask_of_the_box() -> None:
    image = np.full((60, 80, 3), 200, dtype=np.uint8)
    image[20:40, 10:30] = (200, 30, 30)
    image[20:40, 50:70] = (30, 30, 200)
    segmenter = GrabCutSegmenter()
    prompter = _Finds(thing(8, 18, 32, 42), thing(48, 18, 72, 42, score=0.8))
    candidate = find_said(segmenter.encode(image), "the box on the right", prompter=prompter, segmenter=segmenter)
    assert prompter.asked == ["box"]
    assert candidate.mask[20:40, 50:70].mean() > 0.9
    assert not candidate.mask[:, :40].any()
    final = np.zeros((60, 80), dtype=np.float32)
    final[5:9, 5:9] = 0.9
    drawn = FoundThing(box=(5, 5, 9, 9), score=0.7, probability=final, is_final=True)
    own = find_said(segmenter.encode(image), "box", prompter=_Finds(drawn), segmenter=segmenter)
    assert np.array_equal(own.mask, final >= 0.5)


def test_nothing_found_and_nothing_said_are_told() -> None:
    segmenter = GrabCutSegmenter()
    encoded = segmenter.encode(IMAGE)
    with pytest.raises(EmptySelectionError, match="squares finds nothing that looks like 'a zebra'"):
        find_said(encoded, "a zebra", prompter=_Finds(), segmenter=segmenter)
    with pytest.raises(PromptError, match="names no thing"):
        find_said(encoded, "on the left", prompter=_Finds(), segmenter=segmenter)
