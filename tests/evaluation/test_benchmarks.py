"""The benchmark scripts at tiny size: they run, print one line, and count what they say they count."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from benchmarks import determinism
from benchmarks import generation_time
from benchmarks import help_time
from benchmarks import hint_direction
from benchmarks import preset_gap
from benchmarks import segmenter_iou
from benchmarks import take_levels
from benchmarks import vocoder_copy_synthesis
from benchmarks.demo_memory import peak_memory
from sounddesk.engine.starter.spectral_detail import SpectralDetail
from sounddesk.evaluation.right_object import Verdict
from tests.evaluation.conftest import COLOURS
from tests.evaluation.conftest import add_kinds
from tests.evaluation.conftest import write_cut_out
from tests.tiny_bundle import build_tiny_bundle


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rows = []
    rng = np.random.default_rng(0)
    for kind, colour in COLOURS.items():
        for split in ("train", "test"):
            picture, recording = f"pictures/{kind}/{split}.png", f"recordings/{kind}/{split}.flac"
            write_cut_out(folder / picture, colour)
            (folder / recording).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / recording, 0.1 * rng.standard_normal(20_000), 16_000)
            rows.append({"kind": kind, "role": "picture", "id": f"{kind} p {split}", "path": picture, "split": split})
            rows.append({"kind": kind, "role": "recording", "id": f"{kind} {split}", "path": recording, "split": split})
            for row in rows[-2:]:
                row |= {"source": "made", "member": row["path"]}
    with (folder / "table.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "kinds.json").write_text(json.dumps([{"kind": kind, "caption": f"a {kind}"} for kind in COLOURS]))
    return folder


def one_line(capsys) -> str:
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    return text


def numbers(pattern: str, line: str) -> list[float]:
    """What stands at each '#' of `pattern` in `line`, which has to match as a whole."""
    parts = [re.escape(part) for part in pattern.split("#")]
    found = re.fullmatch(r"(-?[\d.]+(?:e-?\d+)?)".join(parts) + ".*", line.strip())
    assert found, line
    return [float(text) for text in found.groups()]


def test_vocoder(capsys, data, bundle_with_kinds):
    arguments = ["--data", str(data), "--bundle", str(bundle_with_kinds), "--seconds", "1", "--limit", "2"]
    vocoder_copy_synthesis.main(arguments)
    line = one_line(capsys)
    count, mel, mel_floor, better_mel, stft, stft_floor, better_stft = numbers(
        "vocoder copy-synthesis, # held-out recordings: log-mel distance # against # of Griffin-Lim (better on #), "
        "multi-resolution STFT distance # against # (better on #), bundle tiny",
        line,
    )
    assert count == 2
    # Random weights: Griffin-Lim is nearer to the recordings.
    assert mel > mel_floor > 0
    assert stft > stft_floor > 0
    assert better_mel == better_stft == 0


@pytest.mark.slow
def test_generation_time(capsys, bundle_with_kinds):
    generation_time.main(["--bundle", str(bundle_with_kinds), "--seconds", "1", "--runs", "1", "--threads", "1"])
    _, _, one, best_of_one, four, best_of_four, ratio, runs = numbers(
        "generation time of # s, # threads, preset fast: one object # s (best #), four objects # s (best #), "
        "ratio #, median of #, bundle tiny",
        one_line(capsys),
    )
    assert runs == 1
    assert (best_of_one, best_of_four) == (one, four)
    assert (four - 0.005) / (one + 0.005) - 0.005 <= ratio <= (four + 0.005) / (one - 0.005) + 0.005


def test_take_levels(capsys, tmp_path, monkeypatch):
    folder = add_kinds(build_tiny_bundle(tmp_path, detail=True, out_width=32))

    def finished(_detail, _log_mel, _synthesise, *, seed):
        return torch.full((1, 48_000), 1.5 if seed == 2 else 0.5)

    monkeypatch.setattr(SpectralDetail, "_finished", finished)
    made = SpectralDetail.unlevelled
    take_levels.main(["--bundle", str(folder), "--takes", "3", "--seconds", "1", "--steps", "1"])
    assert SpectralDetail.unlevelled is made
    _, over, takes, _, _, _, highest, silent, *_ = numbers(
        "take levels: over full scale before the level is set # (# of #, # % interval # to #), highest #; "
        "silent takes # of #, # drawn again; 1 s, bundle tiny ",
        one_line(capsys),
    )
    assert (over, takes, highest, silent) == (1, 3, 1.5, 0)


@pytest.mark.slow
def test_determinism(capsys, bundle_with_kinds):
    determinism.main(["--bundle", str(bundle_with_kinds), "--seconds", "1"])
    apart, largest = numbers(
        "determinism: the same request twice identical; four objects at once against one by one differ by at most # "
        "(full scale 1), largest sample #, 1 s",
        one_line(capsys),
    )
    assert apart < 1e-3
    assert largest > 0.01


def test_preset_gap_counts_what_differs():
    def verdicts(*chosen):
        return [Verdict(kind="dog", among=("dog", "car"), chosen=c, chosen_of_all=c) for c in chosen]

    fast, paper = verdicts("dog", "car", "car", "dog"), verdicts("dog", "dog", "dog", None)
    assert preset_gap.discordant(fast, paper) == (2, 1)
    other = [Verdict(kind="car", among=("dog", "car"), chosen="car", chosen_of_all="car")]
    with pytest.raises(ValueError, match="same scenes"):
        preset_gap.discordant(verdicts("dog"), other)


@pytest.mark.slow
def test_hint_direction(capsys, data, bundle_with_kinds, tiny_classifier):
    arguments = ["--data", str(data), "--bundle", str(bundle_with_kinds), "--classifier", str(tiny_classifier)]
    hint_direction.main([*arguments, "--cases", "2", "--seconds", "1"])
    assert one_line(capsys).startswith("hint direction")


def test_related_kind_is_of_the_same_group_where_there_is_one():
    groups = {"dog": "mammals", "cat": "mammals", "car": "vehicles"}
    rng = np.random.default_rng(0)
    assert {hint_direction.related_kind("dog", groups, rng) for _ in range(10)} == {"cat"}
    assert {hint_direction.related_kind("car", groups, rng) for _ in range(30)} == {"dog", "cat"}


@pytest.mark.slow
def test_segmenter_overlap(capsys, data):
    segmenter_iou.main(["--data", str(data), "--scenes", "1"])
    _, line = one_line(capsys).split(": ", 1)
    click, _, box, _, objects, scenes = numbers(
        "mean IoU # for a click (#% above 0.5), # for a box (#%), # objects in # scenes", line
    )
    assert 0.5 < click <= 1.0
    assert 0.5 < box <= 1.0
    assert 1 <= objects <= 4
    assert scenes == 1


def test_intersection_over_union_of_known_cases():
    first, second = np.zeros((4, 4), dtype=bool), np.zeros((4, 4), dtype=bool)
    assert segmenter_iou.intersection_over_union(first, second) == 1.0
    first[:2], second[1:3] = True, True
    assert segmenter_iou.intersection_over_union(first, second) == pytest.approx(1 / 3)


def test_click_and_box_of_a_known_mask():
    mask = np.zeros((100, 200), dtype=bool)
    mask[40:61, 50:91] = True
    prompt = segmenter_iou.click_inside(mask)
    ((x, y),) = prompt.points
    assert mask[int(y), int(x)]
    assert y == pytest.approx(50, abs=1)
    assert segmenter_iou.box_around(mask).box == (44, 34, 97, 67)


def test_help_is_light(capsys):
    help_time.main(["--runs", "1"])
    assert "heavy imports: none" in one_line(capsys)


def test_peak_memory_is_seen_even_when_freed():
    code = "import time; a = b'x' * 300_000_000; time.sleep(0.3); del a; time.sleep(0.3)"
    peak_bytes, elapsed_s, exit_code = peak_memory([sys.executable, "-c", code])
    assert exit_code == 0
    assert 0.3e9 < peak_bytes < 0.5e9
    assert 0.6 < elapsed_s < 60
    assert peak_memory([sys.executable, "-c", "raise SystemExit(3)"])[2] == 3
