"""The manual's pages: what they link to is there, and what they count is what the starter has."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sounddesk.resources_folder import resource

PAGES = sorted(resource("manual").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).is_file()] == []


def test_every_picture_is_used() -> None:
    used = {target for page in PAGES for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))}
    readme = Path(__file__).parent.parent / "README.md"
    used |= {Path(target).name for target in re.findall(r"\]\(([^)]+)\)", readme.read_text(encoding="utf-8"))}
    assert {file.name for file in resource("manual").iterdir() if file.suffix in (".jpg", ".webp")} <= used


def test_the_number_of_kinds_is_told_as_the_bundle_has_it() -> None:
    """Of all that the starter knows; figures on a part of them say 'of 128 kinds'."""
    kinds = len(json.loads(resource("starter/kinds.json").read_text(encoding="utf-8")))
    readme = Path(__file__).parent.parent / "README.md"
    cards = [resource("starter/card.md"), resource("evaluation/classifier/card.md")]
    told = {
        (page.name, int(number))
        for page in (*PAGES, readme, *cards)
        for before, after in re.findall(
            r"(?:knows|all|which of|of the) (\d+) kinds|(\d+) kinds of (?:sounding )?things",
            page.read_text(encoding="utf-8"),
        )
        for number in (before, after)
        if number
    }
    assert {"troubleshooting.md", "card.md"} <= {name for name, _ in told}
    assert {(name, number) for name, number in told if number != kinds} == set()
