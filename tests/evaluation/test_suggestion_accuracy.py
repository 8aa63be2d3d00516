"""Objects that are suggested against those that somebody outlined."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sounddesk.engine.images.annotated_photographs import read_annotated_photographs
from sounddesk.engine.segmenters.protocol import Candidate
from sounddesk.engine.segmenters.protocol import EncodedImage
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.types import RgbImage
from sounddesk.evaluation.measures.registry import MEASURES
from sounddesk.evaluation.suggestion_accuracy import SearchedPhotograph
from sounddesk.evaluation.suggestion_accuracy import SuggestionAccuracy
from sounddesk.evaluation.suggestion_accuracy import search_photographs
from tests.evaluation.conftest import write_photograph


def searched(name: str, best: tuple[float, ...], first_s: float | None) -> SearchedPhotograph:
    labels = tuple(f"thing {index}" for index in range(len(best)))
    return SearchedPhotograph(name=name, labels=labels, best=best, suggested=3, first_s=first_s, all_s=2.0)


def test_figures_of_known_overlaps() -> None:
    result = SuggestionAccuracy(
        photographs=(searched("a.png", (0.9, 0.49), 0.5), searched("b.png", (0.5,), 1.5), searched("c.png", (), None)),
        split="test",
        segmenter="s",
        bundle="b",
        bundle_sha256="0" * 64,
    )
    assert (result.found.hits, result.found.trials) == (2, 3)
    assert result.details() == ["not found: a.png, thing 1 (best overlap 0.49)"]
    assert "first after 1.00 s of CPU (median; longest 1.50 s), all after 2.0 s" in result.line()
    assert result.to_json()["first_cpu_s"] == {"median": 1.0, "longest": 1.5}


class Coloured:
    """Proposes a square, a quarter of the next, and all that is grey."""

    name = "coloured"

    def encode(self, image: RgbImage) -> EncodedImage:
        return EncodedImage(image=image, sha256="", segmenter=self.name, features=None)

    def propose(self, encoded: EncodedImage, *, cancel: CancelToken | None = None) -> Iterator[Candidate]:
        del cancel
        grey = (encoded.image == 90).all(axis=2)
        columns = np.arange(encoded.width)
        # Of the first square all, of the second the left quarter, of the third nothing.
        for mask in (~grey & (columns < 65), ~grey & (columns >= 65) & (columns < 82), grey):
            yield Candidate(mask=mask, probability=mask.astype(np.float32), score=0.5)


def test_each_object_is_worth_its_best_suggestion(tmp_path: Path) -> None:
    write_photograph(tmp_path, "a", ("dog", "lamp", "car"))
    (one,) = search_photographs(Coloured(), read_annotated_photographs(tmp_path))
    assert one.labels == ("dog", "lamp", "car")
    assert one.best[0] > 0.95
    assert 0.2 < one.best[1] < 0.3
    assert one.best[2] < 0.1
    assert one.found == 1
    assert one.first_s is not None
    assert 0 <= one.first_s <= one.all_s


def test_end_to_end(naming_bundle: Path, tmp_path: Path) -> None:
    write_photograph(tmp_path, "a", ("dog", "lamp"))
    told = MEASURES.get("suggestions").measure(
        None, photographs=tmp_path, split="", bundle=str(naming_bundle), segmenter="", progress=None, cancel=None
    )
    assert told.line.startswith("starter segmenter: found among the first 10")
    (one,) = json.loads(json.dumps(told.document))["photographs"]
    assert [each["label"] for each in one["objects"]] == ["dog", "lamp"]
    assert told.document["found"]["trials"] == 2
