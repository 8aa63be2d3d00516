"""The manual's pages: what they link to is there."""

from __future__ import annotations

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
    assert {file.name for file in resource("manual").glob("*.jpg")} <= used
