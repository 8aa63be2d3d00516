"""Puts the figures into the documents of a source tree, between marks that say which: README, manual and card."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.engine.bundles.bundle_manifest import MANIFEST_NAME
from sounddesk.engine.verified_files import hash_file
from sounddesk.evaluation.starter_figures.figure_measures import MEASURES_OF_STARTER
from sounddesk.evaluation.starter_figures.figures_file import Figure
from sounddesk.evaluation.starter_figures.figures_file import StarterFigures
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.text_formats import read_json

DOCUMENTS: Final = ("README.md", "resources/manual/measurements.md", "resources/recipes/starter/card.md")
CARD: Final = "resources/starter/card.md"
CARD_SOURCE: Final = "resources/recipes/starter/card.md"
NOT_MEASURED: Final = "not measured on this bundle"
_BLOCK: Final = re.compile(
    r"(?P<open><!-- figures of the starter(?P<with>, with floors and commands)?: (?P<names>[^>]+?) -->\n)"
    r".*?(?P<close><!-- end of the figures -->)",
    re.DOTALL,
)


def with_figures(text: str, figures: StarterFigures) -> str:
    """The text with the table between each pair of marks made anew; everything else stays as it is."""

    def table(found: re.Match[str]) -> str:
        names = [name.strip() for name in found["names"].split(",")]
        rows = figure_table(names, figures, whole=found["with"] is not None)
        return f"{found['open']}{rows}{found['close']}"

    return _BLOCK.sub(table, text)


def figure_table(names: list[str], figures: StarterFigures, *, whole: bool) -> str:
    """A table in Markdown below the bundle and the day that its figures belong to.

    Args:
        names: of figures; one stands for all its parts too, and what was not measured says so.
        figures: all that there are.
        whole: whether floors and commands have columns.
    """
    found = {name: _of(name, figures) for name in names}
    origins = Counter((each.weights, each.date) for parts in found.values() for each in parts)
    origin = origins.most_common(1)[0][0] if origins else None
    rows = []
    for name, parts in found.items():
        for each in parts:
            made = "" if (each.weights, each.date) == origin else f" (bundle {each.weights}, {each.date})"
            rows.append((each.what, each.floor, each.measured + made, f"`{each.command}`"))
        if not parts:
            rows.append((name, "", NOT_MEASURED, f"`{_command(name)}`"))
    head = ("what", "floor", "measured", "how to repeat it")
    shown = (0, 1, 2, 3) if whole else (0, 2)
    lines = [_table_line([row[column] for column in shown]) for row in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(shown))
    told = (
        ""
        if origin is None
        else f"Bundle {origin[0]}, {origin[1]}{'; other rows say so' if len(origins) > 1 else ''}.\n\n"
    )
    return told + "\n".join(lines) + "\n"


def _table_line(cells: list[str]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def update_documents(checkout: Path, figures: StarterFigures) -> list[Path]:
    """Write the figures into every document of a source tree that has marks for them, the bundle's card among them.

    Returns:
        What changed.

    Raises:
        BadInputError: a document is missing.
        OutputError: one cannot be written.
    """
    changed = []
    for name in DOCUMENTS:
        path = checkout / name
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise BadInputError(
                f"{path} cannot be read ({error.strerror}): name the folder of a source tree"
            ) from error
        new = with_figures(text, figures)
        if new != text:
            write_file(path, new.encode("utf-8"))
            changed.append(path)
    card = checkout / CARD
    source = (checkout / CARD_SOURCE).read_bytes()
    if card.read_bytes() != source:
        write_file(card, source)
        _seal(card)
        changed.append(card)
    return changed


def _seal(card: Path) -> None:
    """Let the manifest of a bundle know its new card."""
    manifest = card.parent / MANIFEST_NAME
    document: dict[str, Any] = read_json(manifest)
    document["documents"][card.name] = asdict(hash_file(card))
    write_file(manifest, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))


def _of(name: str, figures: StarterFigures) -> list[Figure]:
    """The figure of a name, or all its parts: 'realism', or 'realism/codec copy' at every band."""
    parts = (f"{name}/", f"{name}, ")
    return [each for key, each in sorted(figures.figures.items()) if key == name or key.startswith(parts)]


def _command(name: str) -> str:
    wanted = name.partition("/")[0]
    return next(
        (each.command_text(quick=False) for each in MEASURES_OF_STARTER if each.name == wanted),
        "sounddesk evaluate starter",
    )
