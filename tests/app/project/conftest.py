"""The project store of a document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sounddesk.app.project.document import Document
from sounddesk.app.project.project_store import ProjectStore
from sounddesk.app.settings import Settings


@pytest.fixture
def store(document: Document) -> Iterator[ProjectStore]:
    made = ProjectStore(document, Settings())
    yield made
    made.close()
