"""Figures of the starter: they belong to its weights, and the documents tell them as the file does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.evaluation.recordings.bundle_weights import weights_sha256
from sounddesk.evaluation.starter_figures import starter_figures
from sounddesk.evaluation.starter_figures.figure_documents import DOCUMENTS
from sounddesk.evaluation.starter_figures.figure_documents import NOT_MEASURED
from sounddesk.evaluation.starter_figures.figure_documents import figure_table
from sounddesk.evaluation.starter_figures.figure_documents import with_figures
from sounddesk.evaluation.starter_figures.figure_measures import FigureMeasure
from sounddesk.evaluation.starter_figures.figure_measures import MeasuredText
from sounddesk.evaluation.starter_figures.figure_measures import MeasuringPlace
from sounddesk.evaluation.starter_figures.figure_measures import weights_of_figure
from sounddesk.evaluation.starter_figures.figures_file import FIGURES_RESOURCE
from sounddesk.evaluation.starter_figures.figures_file import Figure
from sounddesk.evaluation.starter_figures.figures_file import StarterFigures

ROOT = Path(__file__).resolve().parents[3]
REMEDY = "the starter has other weights: run 'sounddesk evaluate starter --rows none', or without --rows to measure"
MARKED = (
    "# x\n\n<!-- figures of the starter: speed, sound -->\nold\n<!-- end of the figures -->\n\nkept\n"
    "<!-- figures of the starter, with floors and commands: speed -->\n<!-- end of the figures -->\n"
)


def test_the_figures_that_ship_belong_to_the_bundle_that_ships() -> None:
    figures = StarterFigures.load(ROOT / "resources" / FIGURES_RESOURCE)
    bundle = Bundle.open(ROOT / "resources" / "starter")
    assert figures.weights == weights_sha256(bundle), REMEDY
    for name, each in figures.figures.items():
        assert each.weights == weights_of_figure(bundle, name), REMEDY


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_documents_tell_the_figures_that_ship(document: str) -> None:
    figures = StarterFigures.load(ROOT / "resources" / FIGURES_RESOURCE)
    text = (ROOT / document).read_text(encoding="utf-8")
    assert "<!-- figures of the starter" in text
    assert with_figures(text, figures) == text, REMEDY


def test_the_card_of_the_bundle_is_the_one_of_its_recipe() -> None:
    assert (ROOT / "resources/starter/card.md").read_bytes() == (
        ROOT / "resources/recipes/starter/card.md"
    ).read_bytes(), REMEDY


def figure(name: str, measured: str, weights: str = "w") -> Figure:
    return Figure(
        name=name, what=f"the {name}", floor="9", measured=measured, command="do it", weights=weights, date="2026-01-02"
    )


def test_tables_are_made_between_the_marks_alone() -> None:
    figures = StarterFigures(weights="w").with_figures([figure("sound/a", "1.0"), figure("sound/b", "2.0")])
    text = with_figures(MARKED, figures)
    assert "Bundle w, 2026-01-02.\n\n| what | measured |" in text
    assert f"| speed | {NOT_MEASURED} |\n| the sound/a | 1.0 |\n| the sound/b | 2.0 |" in text
    assert f"| speed | | {NOT_MEASURED} | `sounddesk evaluate starter` |" in text
    assert "old" not in text
    assert "\n\nkept\n" in text
    assert with_figures(text, figures) == text


def test_a_row_of_another_day_says_so() -> None:
    old = replace(figure("sound/b, 16 kHz", "2.0"), date="2025-01-02")
    figures = StarterFigures(weights="w").with_figures([figure("sound/a", "1.0"), old, figure("sound/c", "3.0")])
    table = figure_table(["sound"], figures, whole=False)
    assert table.startswith("Bundle w, 2026-01-02; other rows say so.\n\n")
    assert "| 1.0 |" in table
    assert "| 2.0 (bundle w, 2025-01-02) |" in table
    assert "1.0" not in figure_table(["sound/b"], figures, whole=False)


def test_a_figure_of_other_weights_is_dropped(tmp_path: Path) -> None:
    figures = StarterFigures(weights="w").with_figures([figure("a", "1"), figure("b", "2", weights="old")])
    assert set(figures.of_bundle("w", lambda _: "w").figures) == {"a"}
    figures.save(tmp_path / "deep" / "figures.json")
    assert StarterFigures.load(tmp_path / "deep" / "figures.json") == figures
    (tmp_path / "bad.json").write_text('{"weights": "w", "figures": [{}]}')
    with pytest.raises(BadInputError, match=r"bad\.json cannot be read"):
        StarterFigures.load(tmp_path / "bad.json")


@pytest.fixture
def checkout(bundle_with_kinds: Path, tmp_path: Path) -> Path:
    """A source tree with a tiny starter."""
    tree = tmp_path / "tree"
    shutil.copytree(bundle_with_kinds, tree / "resources" / "starter")
    for name in DOCUMENTS:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(MARKED)
    return tree


def measures(*names: str, made: list[str]) -> Callable[..., list[FigureMeasure]]:
    def entry(name: str) -> FigureMeasure:
        def measure(place: MeasuringPlace) -> list[MeasuredText]:
            made.append(name)
            return [MeasuredText(part="", what=name, measured=f"{place.size(10, 2)} cases")]

        return FigureMeasure(name=name, command="do it", measure=measure)

    return lambda rows: [entry(name) for name in names]


def test_measured_once_told_in_every_document_and_gone_with_the_weights(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(starter_figures, "_chosen", measures("speed", "sound", made=made))
    options = {"checkout": checkout, "reference": tmp_path, "pictures": tmp_path, "work": tmp_path / "work"}
    first = starter_figures.run(quick=True, **options)
    assert made == ["speed", "sound"]
    assert len(first.changed) == 4
    assert f"Bundle {first.figures.weights}, " in (checkout / "README.md").read_text()
    assert "| speed | 2 cases |" in (checkout / "README.md").read_text()
    # The card changed and the bundle is whole; what figures belong to did not.
    bundle = Bundle.open(checkout / "resources" / "starter")
    bundle.verify()
    assert weights_sha256(bundle) == first.figures.weights
    assert "2 cases" in bundle.document("card.md").read_text()
    again = starter_figures.run(**options)
    assert (made, again.measured, again.changed) == (["speed", "sound"], (), ())
    assert starter_figures.run(again=True, **options).measured == ("speed", "sound")
    assert "10 cases" in (checkout / "README.md").read_text()
    # Other weights.
    manifest = json.loads((bundle.folder / "bundle.json").read_text())
    manifest["version"] = "2"
    (bundle.folder / "bundle.json").write_text(json.dumps(manifest))
    monkeypatch.setattr(starter_figures, "_chosen", measures(made=made))
    dropped = starter_figures.run(**options)
    assert dropped.figures.figures == {}
    assert f"| speed | {NOT_MEASURED} |" in (checkout / "README.md").read_text()


def test_what_has_no_part_in_a_sound_does_not_touch_its_figures(checkout: Path) -> None:
    folder = checkout / "resources" / "starter"
    before = Bundle.open(folder)
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["documents"]["names.json"] = manifest["documents"]["kinds.json"]
    (folder / "bundle.json").write_text(json.dumps(manifest))
    after = Bundle.open(folder)
    assert weights_of_figure(after, "realism/codec copy") == weights_of_figure(before, "realism/codec copy")
    assert weights_of_figure(after, "masks") == weights_of_figure(before, "masks")
    segmenter = dict(manifest["components"]["image_encoder"], folder="segmenter")
    manifest["components"]["segmenter"] = segmenter
    (folder / "bundle.json").write_text(json.dumps(manifest))
    other = Bundle.open(folder)
    assert weights_of_figure(other, "realism/codec copy") == weights_of_figure(before, "realism/codec copy")
    assert weights_of_figure(other, "masks") != weights_of_figure(before, "masks")


def test_no_source_tree_and_no_such_row(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="name the folder of a source tree"):
        starter_figures.run(checkout=tmp_path, reference=tmp_path)
    with pytest.raises(BadInputError, match="there is no figure 'beauty': choose among right-object"):
        starter_figures.run(checkout=checkout, reference=tmp_path, rows=("beauty",))
    assert starter_figures.run(checkout=checkout, reference=tmp_path, rows=("none",)).measured == ()
