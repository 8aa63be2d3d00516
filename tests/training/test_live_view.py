"""The page of a run, whatever its folder and its previews are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sounddesk.training.loop.live_view import PAGE_NAME
from sounddesk.training.loop.live_view import LiveView
from sounddesk.training.loop.optimiser_recipe import LiveRecipe
from sounddesk.training.loop.training_task import Preview
from tests.page_reader import PageReader


def test_names_that_html_and_addresses_would_take_for_their_own(tmp_path: Path) -> None:
    run = tmp_path / "run <b>&"
    run.mkdir()
    view = LiveView(run, LiveRecipe(tensorboard=False), total_steps=2, from_step=0)
    sound = np.sin(np.arange(8_000) / 9).astype(np.float32)
    view.add_previews(0, [Preview(name='dog #1 "a"', samples=sound, sample_rate_hz=16_000)])
    view.add_row({"step": 1, "s": 0.1, "loss <x>": 0.5})
    text = (run / PAGE_NAME).read_text()
    page = PageReader(text)
    assert page.problems == []
    assert page.broken_links(run) == []
    assert len(page.links) == 2
    for shown in ("run <b>&", 'dog #1 "a"', "loss <x>", "1 of 2"):
        assert shown in page.text
    assert 'http-equiv="refresh"' in text
    view.add_row({"step": 2, "s": 0.2, "loss <x>": 0.25})
    assert "refresh" not in (run / PAGE_NAME).read_text()
    view.close()
