from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from sounddesk.audio.files.wav_io import read_sound
from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.study.study_design import CONTROL
from sounddesk.evaluation.study.study_design import StudySample
from sounddesk.evaluation.study.study_design import StudyTerms
from sounddesk.evaluation.study.study_design import order_for
from sounddesk.evaluation.study.study_file import StudyFile
from tests.evaluation.study.conftest import new_study
from tests.evaluation.study.conftest import write_material


def test_every_clip_by_every_system_and_controls_among_them(tmp_path: Path) -> None:
    made = new_study(write_material(tmp_path), controls=3)
    assert made.line().startswith("study of 8 samples and 3 controls")
    pairs = Counter((each.clip, each.system) for each in made.samples)
    assert all(pairs[f"c{i}", name] == 1 for i in range(4) for name in ("good", "bad"))
    assert sum(n for (_, name), n in pairs.items() if name == CONTROL) == 3
    # Half with their object outlined, and only those are asked about it.
    assert {each.clip for each in made.samples if each.has_object} == {"c0", "c2"}
    assert {each.criteria for each in made.samples if each.has_object} == {("OVL", "RET", "REI", "REO")}
    assert {each.criteria for each in made.samples if not each.has_object} == {("OVL", "RET", "REI")}
    media = tmp_path / "study" / "media"
    by = {(each.clip, each.system): each.number for each in made.samples}
    sound = read_sound(media / f"{by['c1', 'good']}.wav")
    assert np.allclose(sound.samples, read_sound(tmp_path / "good" / "c1.wav").samples, atol=1e-4)
    outlined = cv2.imread(str(media / f"{by['c0', 'good']}.jpg")).astype(int)
    plain = cv2.imread(str(media / f"{by['c1', 'good']}.jpg")).astype(int)
    assert np.ptp(plain) < 10
    assert (outlined[..., 2] - outlined[..., 0]).max() > 100  # red somewhere
    control = next(each for each in made.samples if each.system == CONTROL)
    noise = read_sound(media / f"{control.number}.wav").samples
    assert len(noise) == 800 and np.std(noise) == pytest.approx(0.1, rel=0.15)
    with StudyFile(tmp_path / "study") as study:
        assert tuple(study.samples.values()) == made.samples
        assert study.terms.least_seconds == 90.0


def samples_of(real: int, controls: int) -> list[StudySample]:
    systems = [f"s{i % 3}" for i in range(real)] + [CONTROL] * controls
    return [
        StudySample(number=i + 1, clip=f"c{i}", system=each, text="", has_picture=False, has_object=False)
        for i, each in enumerate(systems)
    ]


def test_every_listener_has_an_order_of_her_own_that_begins_with_no_control() -> None:
    samples = samples_of(12, 3)
    terms = StudyTerms(title="t")
    orders = [order_for(samples, terms, listener=each) for each in range(1, 20)]
    assert all(sorted(order) == list(range(1, 16)) for order in orders)
    assert len({tuple(order) for order in orders}) == 19
    assert orders[3] == order_for(samples, terms, listener=4)
    assert all(order[0] <= 12 for order in orders)
    assert order_for(samples_of(1, 3), terms, listener=1)[0] == 1


def test_parts_are_rated_equally_often() -> None:
    samples = samples_of(12, 2)
    terms = StudyTerms(title="t", per_listener=4)
    orders = [order_for(samples, terms, listener=each) for each in range(1, 7)]
    assert all(len(order) == 6 and {13, 14} <= set(order) for order in orders)
    assert set(Counter(n for order in orders for n in order if n <= 12).values()) == {2}


@pytest.mark.parametrize(("clips", "message"), [(5, "4 clips have a sound of every system, and 5"), (0, "0 are asked")])
def test_too_few_clips(clips: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=message):
        new_study(write_material(tmp_path), clips=clips)
    assert not (tmp_path / "study").exists()


def test_what_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no study: make one"):
        StudyFile(tmp_path)
    (tmp_path / "study.sqlite").write_bytes(b"nonsense" * 200)
    with pytest.raises(BadInputError, match="is damaged"):
        StudyFile(tmp_path)
    (tmp_path / "study.sqlite").unlink()
    sqlite3.connect(tmp_path / "study.sqlite").execute("CREATE TABLE a (b)").connection.close()
    with pytest.raises(BadInputError, match="is no study"):
        StudyFile(tmp_path)
