"""The window and the command line suggest the same faders for the same scene, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from sounddesk.app.desk import open_window
from sounddesk.app.settings import Settings
from sounddesk.cli.main import main
from sounddesk.domain.seeds import take_seed
from sounddesk.resources_folder import resource
from tests.app.conftest import wait_until

DEMO = resource("demo")


def gains_of_the_command_line(bundle_folder: Path, names: list[str], *, out: Path) -> dict[str, float]:
    masks = [f"--mask={name}@{DEMO / 'masks' / f'{name}.png'}" for name in names]
    code = main(
        [
            *("render", str(DEMO / "scene.webp"), *masks, "--balance", "--seed", "3", "--out", str(out)),
            *("--bundle", str(bundle_folder), "--seconds", "1", "--steps", "2", "--device", "cpu", "--quiet"),
        ]
    )
    assert code == 0
    objects = json.loads((out / "recipe.json").read_text())["objects"]
    return {each["name"]: each["gain_db"] for each in objects if each["name"] in names}


def gains_of_the_window(bundle_folder: Path, names: list[str]) -> dict[str, float]:
    window = open_window(Settings())
    try:
        window.app_commands.open_demo(with_takes=False)
        services = window.services
        document = services.document
        wait_until(lambda: bool(document.project.objects))
        services.generation.device = "cpu"
        project = document.project.with_settings(bundle=str(bundle_folder), seconds=1.0, steps=2, seed=3)
        ids = {each.name: each.id for each in project.objects if each.name in names}
        document.commit("Tiny", project)
        blend_id = services.generation.add_blend([ids[name] for name in names])
        assert blend_id is not None
        project = document.project
        for object_id in (*ids.values(), blend_id):
            seed = take_seed(3, name=project.object(object_id).name, take=0)
            project = project.with_changed_object(object_id, seed=seed, seed_locked=True)
        document.commit("Seeds", project)
        services.generation.generate(list(ids.values()))
        wait_until(lambda: len(document.project.clips) == len(names), seconds=120)
        services.actions["mixer.balance"].trigger()
        wait_until(lambda: document.undo_stack.undoText() == "Match levels to the scene", seconds=120)
        return {name: document.project.object(object_id).strip.gain_db for name, object_id in ids.items()}
    finally:
        window.shut_down()
        window.hide()


@pytest.mark.slow
def test_the_window_and_the_command_line_balance_alike(qapp: QApplication, bundle_folder: Path, tmp_path: Path) -> None:
    names = ["cow", "dog"]
    asked = gains_of_the_command_line(bundle_folder, names, out=tmp_path / "out")
    assert any(gain_db != 0.0 for gain_db in asked.values())
    assert gains_of_the_window(bundle_folder, names) == asked
