"""Matching levels while the user goes on working: what it needs may be deleted before the blend is there."""

from __future__ import annotations

from sounddesk.app.main_window import MainWindow
from tests.app.conftest import Told
from tests.app.conftest import wait_until


def test_a_blend_deleted_while_it_is_made_leaves_the_faders(
    window: MainWindow, told: Told, problems: list[str]
) -> None:
    services = window.services
    document = services.document
    ids = [each.id for each in document.project.objects if each.kind == "object"][:2]
    services.generation.generate(ids)
    wait_until(lambda: len(document.project.clips) == 2, seconds=120)
    strips = [each.strip for each in document.project.objects]

    services.actions["mixer.balance"].trigger()
    blend_id = next(each.id for each in document.project.objects if each.kind == "blend")
    document.commit("Delete", document.project.without_objects([blend_id]))

    wait_until(lambda: any("deleted meanwhile" in line for line in told), seconds=120)
    assert not problems
    assert [each.strip for each in document.project.objects] == strips
