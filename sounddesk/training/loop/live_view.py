"""Live view of a run: `log.jsonl`, an HTML page, and TensorBoard where it is installed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import psutil
import torch
from markupsafe import Markup

from sounddesk.audio.files.wav_io import write_wav
from sounddesk.audio.pictures.spectrogram_image import encode_png
from sounddesk.audio.pictures.spectrogram_image import spectrogram_image
from sounddesk.domain.errors import MissingPackageError
from sounddesk.engine.tasks import duration_text
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.html_page import render_template
from sounddesk.storage.own_file import make_own_folders
from sounddesk.storage.own_file import open_own_file
from sounddesk.storage.text_formats import FieldError
from sounddesk.storage.text_formats import parse_json
from sounddesk.training.loop.optimiser_recipe import LiveRecipe
from sounddesk.training.loop.training_task import Preview
from sounddesk.training.svg_charts import curve_svg

LOG_NAME: Final = "log.jsonl"
PAGE_NAME: Final = "live.html"
PREVIEWS: Final = "previews"
NOT_CURVES: Final = ("step", "s", "steps_per_s", "memory_mib")

_TEMPLATE: Final = Path(__file__).with_suffix(".html")
# The newest that the page shows.
_MOST_PREVIEWS: Final = 24


def memory_mib() -> float:
    """Peak GPU memory of this process where there is a GPU, else its resident memory, MiB."""
    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated() / 2**20)
    return float(psutil.Process().memory_info().rss / 2**20)


class LiveView:
    """Writes a run's rows and previews.

    Rows after `from_step` of an interrupted run are taken out of the log, because they come again.

    Args:
        total_steps: of the whole run.
        from_step: where this process goes on.

    Raises:
        MissingPackageError: TensorBoard is wanted and not installed.
    """

    def __init__(self, run_dir: Path, recipe: LiveRecipe, *, total_steps: int, from_step: int) -> None:
        self._run_dir = run_dir
        self._recipe = recipe
        self._total = total_steps
        self._from = from_step
        self._started_s = time.monotonic()
        self._rows = read_log(run_dir, up_to_step=from_step)
        self._speed: tuple[int, float] = (from_step, self._started_s)
        text = "".join(json.dumps(row) + "\n" for row in self._rows)
        write_file(run_dir / LOG_NAME, text.encode())
        self._tensorboard = _writer(run_dir, from_step) if recipe.tensorboard else None

    def add_row(self, figures: dict[str, Any]) -> None:
        """Append a row to the log and update the page."""
        now_s = time.monotonic()
        step, then_s = self._speed
        self._speed = (figures["step"], now_s)
        speed = (figures["step"] - step) / max(1e-9, now_s - then_s)
        row = {**figures, "steps_per_s": round(speed, 3), "memory_mib": round(memory_mib(), 1)}
        self._rows.append(row)
        with os.fdopen(open_own_file(self._run_dir / LOG_NAME, append=True), "a") as log:
            log.write(json.dumps(row) + "\n")
        if self._tensorboard is not None:
            for key, value in row.items():
                if key not in ("step", "s"):
                    self._tensorboard.add_scalar(key, value, row["step"])
        if self._recipe.page:
            self._write_page()

    def add_previews(self, step: int, sounds: Sequence[Preview]) -> None:
        """Keep sounds of `step` as `previews/STEP-NAME.wav` and a spectrogram beside each."""
        folder = self._run_dir / PREVIEWS
        make_own_folders(self._run_dir, Path(PREVIEWS))
        for sound in sounds:
            stem = f"{step:08d}-{sound.name}"
            peak = max(1.0, float(np.abs(sound.samples).max(initial=0.0)))
            write_wav(folder / f"{stem}.wav", sound.samples / peak, sample_rate_hz=sound.sample_rate_hz)
            picture = spectrogram_image(sound.samples, sample_rate_hz=sound.sample_rate_hz, width=480, height=160)
            write_file(folder / f"{stem}.png", encode_png(picture))
            if self._tensorboard is not None:
                self._tensorboard.add_audio(sound.name, sound.samples[None], step, sample_rate=sound.sample_rate_hz)
                self._tensorboard.add_image(f"{sound.name}/spectrogram", picture, step, dataformats="HWC")
        if self._recipe.page:
            self._write_page()

    def close(self) -> None:
        if self._tensorboard is not None:
            self._tensorboard.close()

    def _write_page(self) -> None:
        done = self._rows[-1]["step"] if self._rows else self._from
        elapsed_s = time.monotonic() - self._started_s
        left_s = elapsed_s / max(1, done - self._from) * (self._total - done)
        ended = done >= self._total
        facts = {"step": f"{done} of {self._total}", "time left": "done" if ended else duration_text(left_s)}
        facts |= {key: str(value) for key, value in (self._rows[-1] if self._rows else {}).items() if key != "step"}
        keys = [key for key in (self._rows[-1] if self._rows else {}) if key not in NOT_CURVES]
        files = sorted((self._run_dir / PREVIEWS).glob("*.wav"), reverse=True)
        page = render_template(
            _TEMPLATE,
            title=f"{done}/{self._total} {self._run_dir.name}",
            name=self._run_dir.name,
            ended=ended,
            done=done,
            total=max(1, self._total),
            facts=facts,
            # The curves are numbers that were written down as SVG here.
            curves={
                key: Markup(curve_svg([(row["step"], row[key]) for row in self._rows if key in row])) for key in keys
            },
            folder=PREVIEWS,
            previews=[file.stem for file in files[:_MOST_PREVIEWS]],
        )
        write_file(self._run_dir / PAGE_NAME, page.encode())


def read_log(run_dir: Path, *, up_to_step: int | None = None) -> list[dict[str, Any]]:
    """The rows of a run's log; a last line that a kill cut short is left out."""
    path = run_dir / LOG_NAME
    rows = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            row = parse_json(line)
        except FieldError:
            continue
        if up_to_step is None or row["step"] <= up_to_step:
            rows.append(row)
    return rows


def _writer(run_dir: Path, from_step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingPackageError("live.tensorboard needs TensorBoard: pip install 'sounddesk[tensorboard]'") from error
    return SummaryWriter(str(run_dir / "tensorboard"), purge_step=from_step + 1)
