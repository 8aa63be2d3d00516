"""The blind page in a real browser where there is one, and what answers say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from sounddesk.audio.files.wav_io import read_sound
from sounddesk.domain.errors import BadInputError
from sounddesk.engine.types import SamplingSettings
from sounddesk.evaluation.listening import listening_test
from sounddesk.evaluation.listening.listening_key import ListeningKey
from sounddesk.evaluation.listening.listening_key import Trial
from sounddesk.evaluation.listening.listening_key import preferences
from sounddesk.evaluation.listening.listening_key import read_answers
from sounddesk.evaluation.listening.listening_test import listening_page
from tests.evaluation.conftest import write_sound
from tests.page_reader import PageReader

BROWSER = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
KEY = ListeningKey(
    test="abc",
    sources={"a": "1", "b": "2"},
    trials=(
        Trial(id="001", kind="dog", first="b", second="a"),
        Trial(id="002", kind="car", first="a", second="b"),
        Trial(id="003", kind="dog", first="recording", second="a"),
        Trial(id="004", kind='"sea" & <co>', first="a", second="recording"),
    ),
)


def test_preferences_of_known_answers() -> None:
    answers = [
        {"001": "second", "002": "first", "003": "first", "004": "second"},
        {"001": "first", "002": "same", "003": "same"},
    ]
    against_b, against_real = preferences(KEY, answers)
    assert (against_b.source, against_b.other) == ("a", "b")
    assert (against_b.wins, against_b.losses, against_b.ties) == (2, 1, 1)
    assert (against_real.source, against_real.other) == ("a", "recording")
    assert (against_real.wins, against_real.losses, against_real.ties) == (0, 2, 1)
    assert "a preferred to b: 0.667 (2 of 3" in against_b.line()


def test_answers_are_read_as_json_and_as_csv(tmp_path: Path) -> None:
    rows = [{"trial": "001", "kind": "dog", "choice": "same"}, {"trial": "004", "kind": "x", "choice": "first"}]
    (tmp_path / "a.json").write_text(json.dumps({"test": "abc", "answers": rows}))
    (tmp_path / "a.csv").write_text('test,trial,kind,choice\n"abc","001","dog","same"\n"abc","004","a ""b""","first"\n')
    expected = {"001": "same", "004": "first"}
    assert read_answers(tmp_path / "a.json", KEY) == expected
    assert read_answers(tmp_path / "a.csv", KEY) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"test": "other", "answers": [{"trial": "001", "choice": "same"}]}', "of another test, 'other'"),
        ('{"test": "abc", "answers": [{"trial": "009", "choice": "same"}]}', "trial '009'"),
        ('{"test": "abc", "answers": [{"trial": "001", "choice": "third"}]}', "answer 'third'"),
        ("[]", "give the answers that the page saved"),
    ],
)
def test_answers_that_cannot_be_used(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_answers(tmp_path / "answers.json", KEY)


def test_a_test_of_two_bundles_is_blind_and_equally_loud(bundle_in_text_space: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for kind in ("dog", "car", "sea"):
        write_sound(tmp_path / "real" / kind / "one.wav", rng.standard_normal(12_000) * 0.02, sample_rate_hz=44_100)
    made = listening_test.write_test(
        out=tmp_path / "out",
        bundles=[str(bundle_in_text_space), str(bundle_in_text_space)],
        reference=tmp_path / "real",
        kinds=2,
        seconds=1.0,
        sampling=SamplingSettings(steps=1),
    )
    key = ListeningKey.load(tmp_path / "out")
    assert key == made.key
    assert sorted(key.sources) == ["tiny (1)", "tiny (2)"]
    # Two kinds, every two of three sources.
    assert len(key.trials) == 6
    text = (tmp_path / "out" / "index.html").read_text()
    page = PageReader(text)
    assert page.problems == []
    assert not re.search(r"tiny|recording\b|key\.json|https?:", text.partition("<script>")[2])
    for trial in key.trials:
        first, second = (read_sound(tmp_path / "out" / f"sounds/{trial.id}-{n}.wav") for n in (1, 2))
        assert first.sample_rate_hz == second.sample_rate_hz == 48_000
        levels = [np.sqrt(np.mean(np.square(each.samples.astype(float)))) for each in (first, second)]
        assert levels[0] == pytest.approx(levels[1], rel=0.02)
        assert len(first.samples) == len(second.samples)


def test_three_bundles_are_too_many(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="3 bundles were named"):
        listening_test.write_test(out=tmp_path / "out", bundles=["a", "b", "c"], reference=tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no browser on this machine")
def test_a_browser_saves_answers_that_the_report_reads(tmp_path: Path) -> None:
    """The page's own script runs in a browser; what it would save is caught on its way."""
    clicks = """
    <script>
    const caught = [];
    const made = URL.createObjectURL;
    URL.createObjectURL = blob => { caught.push(blob.text()); return made.call(URL, blob); };
    HTMLAnchorElement.prototype.click = () => {};
    const choose = choice => document.querySelector(`[data-choice="${choice}"]`).click();
    choose("second"); choose("first"); choose("same");
    document.getElementById("back").click();
    dispatchEvent(new KeyboardEvent("keydown", { key: "a" }));
    dispatchEvent(new KeyboardEvent("keydown", { key: "d" }));
    document.getElementById("json").click();
    document.getElementById("csv").click();
    Promise.all(caught).then(texts => texts.forEach((text, index) => {
      const shown = document.createElement("pre");
      shown.id = `caught${index}`;
      shown.textContent = text;
      document.body.append(shown);
    }));
    </script></body>"""
    page = tmp_path / "index.html"
    page.write_text(listening_page(KEY).replace("</body>", clicks))
    assert BROWSER is not None
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=3000", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True).stdout
    saved = [unescape(found) for found in re.findall(r'<pre id="caught\d">(.*?)</pre>', shown, re.DOTALL)]
    assert len(saved) == 2, shown[-2000:]
    (tmp_path / "answers.json").write_text(saved[0])
    (tmp_path / "answers.csv").write_text(saved[1])
    expected = {"001": "second", "002": "first", "003": "first", "004": "second"}
    assert read_answers(tmp_path / "answers.json", KEY) == expected
    assert read_answers(tmp_path / "answers.csv", KEY) == expected
    assert "4 of 4 answered" in shown
