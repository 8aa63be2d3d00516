"""`--say`: what words become on the command line, in a render, in a batch and in the measure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sounddesk.cli.object_specs import parse_said
from sounddesk.domain.errors import BadInputError
from sounddesk.domain.selection import Selection
from sounddesk.engine.prompters.registry import PROMPTERS
from sounddesk.engine.prompters.registry import FoundThing
from sounddesk.engine.prompters.registry import PrompterEntry
from sounddesk.engine.segmenters.grabcut import GrabCutSegmenter
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.said_accuracy import LabelledPicture
from sounddesk.evaluation.said_accuracy import measure_said
from sounddesk.evaluation.said_accuracy import phrases_of
from tests.cli.conftest import Run
from tests.cli.conftest import draw_scene


class Shapes:
    """Finds the red box and the blue disc of the scene."""

    name = "shapes"

    def find(self, image: RgbImage, thing: str, *, cancel: CancelToken | None = None) -> Sequence[FoundThing]:
        boxes = {"box": [(18, 28, 63, 93)], "disc": [(93, 33, 148, 88)]}
        every = boxes.get(thing) or ([*boxes["box"], *boxes["disc"]] if thing == "shape" else [])
        return [FoundThing(box=box, score=0.9) for box in every]


@pytest.fixture
def shapes() -> Iterator[None]:
    """A prompter that goes before all others."""
    entry = PrompterEntry(name="shapes", title="shapes", rank=0, find=lambda _search: Shapes)
    with PROMPTERS.added(entry):
        yield


def test_words_are_named_by_the_thing_or_by_what_stands_before_them() -> None:
    said = parse_said("the dog on the left")
    assert (said.name, said.selection) == ("dog", Selection(how="words", words="the dog on the left"))
    assert parse_said("dog on the right", taken=["dog"]).name == "dog 2"
    assert parse_said("rex@the dog on the left").name == "rex"
    for text, problem in (("on the left", "names no thing"), ("@dog", "no name"), ("", "names no thing")):
        with pytest.raises(BadInputError, match=problem):
            parse_said(text)


@pytest.mark.usefixtures("shapes")
def test_a_render_of_what_is_said_and_its_recipe(render: Run, run: Run, place: Path) -> None:
    made = render("scene.png", "--say", "the shape on the left", "--say", "round@disc", "--out", "out")
    assert made.code == 0, made.err
    recipe = json.loads((place / "out" / "recipe.json").read_text())
    assert [each["name"] for each in recipe["objects"]] == ["shape", "round"]
    assert recipe["objects"][0]["selection"] == {"how": "words", "words": "the shape on the left"}
    from PIL import Image

    mask = np.asarray(Image.open(place / "out" / "masks" / "shape.png")) >= 128
    assert mask[35:85, 25:55].mean() > 0.95
    assert not mask[:, 90:].any()
    again = run("render", "--recipe", "out/recipe.json", "--out", "again", "--quiet")
    assert again.code == 0, again.err
    assert (place / "again" / "shape.wav").read_bytes() == (place / "out" / "shape.wav").read_bytes()


@pytest.mark.usefixtures("shapes")
def test_what_is_not_there_is_named_and_nothing_is_written(render: Run, place: Path) -> None:
    refused = render("scene.png", "--say", "zebra", "--out", "out")
    assert refused.code == 2
    assert "'zebra': shapes finds nothing that looks like 'zebra'" in refused.err
    assert not (place / "out").exists()


@pytest.mark.usefixtures("shapes")
def test_a_batch_asks_in_each_frame(run: Run, place: Path, bundle_folder: Path) -> None:
    (place / "shot").mkdir()
    shutil.copy(place / "scene.png", place / "shot" / "f.1.png")
    made = run(
        *("batch", "shot", "--say", "disc", "--follow", "each", "--bundle", str(bundle_folder), "--steps", "2"),
        *("--seconds", "1", "--workers", "1", "--out", "out", "--quiet"),
    )
    assert made.code == 0, made.err
    assert len(list((place / "out").glob("*/disc.wav"))) == 1


def test_the_measure_says_what_few_words_can_say_and_counts_the_rest() -> None:
    image = np.asarray(draw_scene())
    red, blue = image[..., 0] > 180, image[..., 2] > 180
    both = LabelledPicture(image=image, objects=(("shape", red), ("shape", blue)))
    assert phrases_of(both) == ["shape on the left", "shape on the right"]
    assert phrases_of(LabelledPicture(image=image, objects=(("box", red), ("disc", blue)))) == ["box", "disc"]
    middle = np.zeros_like(red)
    middle[59:62, 75:80] = True
    three = LabelledPicture(image=image, objects=(("shape", red), ("shape", middle), ("shape", blue)))
    # Neither the outermost in any direction nor the biggest.
    assert phrases_of(three) == ["shape on the left", None, "shape on the right"]
    measured, unsaid = measure_said([three], 1, prompter=Shapes(), segmenter=GrabCutSegmenter())
    assert unsaid == 1
    assert [each.phrase for each in measured] == ["shape on the left", "shape on the right"]
    assert min(each.overlap for each in measured) > 0.9
    other = LabelledPicture(image=image, objects=(("zebra", red),))
    assert measure_said([other], 1, prompter=Shapes(), segmenter=GrabCutSegmenter())[0][0].overlap == 0.0
