"""The vocabulary that ships: where its phrases come from, and that every line can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from sounddesk.domain.errors import EngineError
from sounddesk.engine.vocabulary import read_vocabulary
from sounddesk.engine.vocabulary import text_pairs
from sounddesk.resources_folder import resource


def test_it_has_thousands_of_texts_and_its_readme_names_every_source() -> None:
    phrases = read_vocabulary()
    readme = resource("vocabulary").joinpath("README.md").read_text("utf-8")
    assert all(f"`{source}`" in readme for source in {phrase.source for phrase in phrases})
    assert len(text_pairs(phrases)) > 3_000
    assert len({(phrase.thing, phrase.sound) for phrase in phrases}) == len(phrases)


def test_a_picture_without_credits_does_not_ship() -> None:
    folder = resource("vocabulary") / "pictures"
    credited = {line.split(",")[0] for line in (folder / "credits.csv").read_text("utf-8").splitlines()[1:]}
    assert credited == {path.name for path in folder.glob("*.jpg")}


def test_a_line_of_two_cells_is_named(tmp_path: Path) -> None:
    (tmp_path / "phrases.tsv").write_text("source\tthing\tsound\nown\tdog\n")
    with pytest.raises(EngineError, match=r"phrases\.tsv, line 2: write source, thing and sound"):
        read_vocabulary(tmp_path)
