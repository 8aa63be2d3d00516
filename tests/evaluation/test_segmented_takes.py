"""Takes of two segmenters and of the true masks, from the same seeds; a second run makes only what is missing."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

from sounddesk.audio.files.wav_io import read_sound
from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.report_folder import LOCK_NAME
from sounddesk.evaluation.segmented_takes import run
from sounddesk.storage.folder_lock import FolderInUseError
from sounddesk.storage.folder_lock import FolderLock
from tests.evaluation.conftest import COLOURS
from tests.evaluation.conftest import TABLE_HEADER
from tests.evaluation.conftest import write_cut_out
from tests.evaluation.conftest import write_sound


def test_only_the_mask_differs_and_what_is_there_stays(tmp_path: Path, bundle_with_kinds: Path) -> None:
    rows = [TABLE_HEADER]
    for kind in ("dog", "siren", "sea"):
        write_cut_out(tmp_path / f"{kind}.png", COLOURS[kind])
        write_sound(tmp_path / f"{kind}.wav", np.random.default_rng(0).standard_normal(4000) * 0.1)
        rows.append(f"{kind},picture,{kind},{kind}.png,test,s,p,1,m,x,x,MIT,me,1,")
        rows.append(f"{kind},recording,{kind},{kind}.wav,test,s,p,1,m,x,x,MIT,me,1,16000")
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    out = tmp_path / "out"
    given = {"reference": tmp_path, "bundle": bundle_with_kinds, "segmenter": ("grabcut",), "metrics": ("fad",)}
    found = run(out=out, scenes=1, seconds=1.28, device="cpu", **given)
    (name,) = found.overlaps
    assert 0 < found.overlaps[name] <= 1
    clips = [json.loads(line) for line in (out / "clips.jsonl").read_text().splitlines()]
    assert len(clips) >= 2 and all(Path(each["reference"]).is_file() for each in clips)
    takes = {system: sorted(path.name for path in (out / system).glob("*.wav")) for system in ("true mask", name)}
    assert takes["true mask"] == [f"{each['id']}.wav" for each in clips]
    assert len(takes[name]) == len(clips) - found.not_found[name]
    # Without its network there is no figure.
    assert "not measured" in "\n".join(found.details())
    assert (out / "report" / "index.html").is_file()
    kept = out / "true mask" / takes["true mask"][0]
    written = kept.stat().st_mtime_ns
    before = read_sound(out / name / takes[name][0]).samples
    (out / name / takes[name][0]).unlink()
    run(out=out, scenes=1, seconds=1.28, device="cpu", **given)
    assert kept.stat().st_mtime_ns == written
    # The same seed, alone instead of beside the others.
    assert np.abs(read_sound(out / name / takes[name][0]).samples - before).max() < 1e-3
    with contextlib.ExitStack() as held, pytest.raises(FolderInUseError, match="another measurement"):
        held.callback(FolderLock(out / LOCK_NAME, folder=out).release)
        run(out=out, scenes=1, seconds=1.28, device="cpu", **given)
    with pytest.raises(BadInputError, match="other settings"):
        run(out=out, scenes=2, seconds=1.28, device="cpu", **given)
    with pytest.raises(BadInputError, match="is not installed"):
        run(out=tmp_path / "none", **{**given, "segmenter": ("sam2",)})
