"""A movie is opened by a frame of it: chosen by number or timecode, remembered, and known again by a batch."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtCore import QUrl

from sounddesk.app.desk import open_window
from sounddesk.app.dialogs.movie_frame_dialog import MovieFrameDialog
from sounddesk.app.main_window import MainWindow
from sounddesk.app.settings import Settings
from sounddesk.batch.frame_source import hash_frame
from sounddesk.domain.picture_suffixes import MOVIE_SUFFIXES
from sounddesk.engine.images.movie_file import read_movie_facts
from sounddesk.storage.project_file import read_project
from tests.app.conftest import Told
from tests.app.conftest import wait_until

N_FRAMES = 45


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """Grey frames, each 5 brighter than the one before, at 29.97 with drop frame from 00:59:59;20 on."""
    path = tmp_path / "street.mov"
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = "00:59:59;20"
        video = container.add_stream("png", rate=Fraction(30000, 1001))
        video.width, video.height, video.pix_fmt = 64, 48, "rgb24"
        for index in range(N_FRAMES):
            pixels = np.full((48, 64, 3), 5 * index, dtype=np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode(None))
    return path


def dialog_of(window: MainWindow) -> MovieFrameDialog:
    """The dialog, once the movie was read."""
    wait_until(lambda: any(each.number.isEnabled() for each in window.findChildren(MovieFrameDialog)))
    return next(each for each in window.findChildren(MovieFrameDialog) if each.isVisible())


def choose(window: MainWindow, dialog: MovieFrameDialog) -> None:
    dialog.accept()
    wait_until(lambda: window.services.document.image is not None and not window.findChildren(MovieFrameDialog))


def test_a_frame_becomes_the_image_and_the_project_remembers_which(qapp: object, movie: Path, tmp_path: Path) -> None:
    window = open_window(Settings(), path=movie)
    dialog = dialog_of(window)
    assert dialog.timecode.text() == "00:59:59;20"
    # At a frame that drop frame does not number: 01:00:00;00 follows 00:59:59;29, for it is a tenth minute.
    dialog.timecode.setText("01:00:00;02")
    dialog.timecode.editingFinished.emit()
    assert (dialog.number.value(), dialog.slider.value()) == (13, 12)
    wait_until(lambda: not dialog.picture.pixmap().isNull())
    choose(window, dialog)
    document = window.services.document
    image, settings = document.project.image, document.project.settings
    assert document.image is not None
    assert np.unique(document.image).tolist() == [60]
    facts = read_movie_facts(movie)
    assert image is not None
    assert image.movie is not None
    assert (image.name, image.movie.movie, image.movie.frame) == ("street.0013.png", "street.mov", 13)
    # What a batch over the movie looks its reference up by.
    assert image.frame_sha256 == hash_frame(facts.frame_path(12)) != image.sha256
    assert (str(settings.timecode_rate), settings.start_timecode_s) == ("29.97 DF", facts.start_s)
    assert settings.timeline_s == pytest.approx(N_FRAMES * 1.001 / 30)
    window.services.store.save_as(tmp_path / "p.sdesk")
    wait_until(lambda: window.services.store.path is not None)
    assert read_project(tmp_path / "p.sdesk").project.image == image
    window.shut_down()
    window.hide()


def test_the_timeline_may_begin_at_the_frame(qapp: object, movie: Path) -> None:
    window = open_window(Settings())
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(movie))])
    assert window.files.open_mime(data)
    dialog = dialog_of(window)
    dialog.start.setCurrentIndex(1)
    dialog.number.setValue(31)
    choose(window, dialog)
    settings = window.services.document.project.settings
    assert settings.start_timecode_s == pytest.approx(read_movie_facts(movie).start_s + 1.001)
    assert settings.timeline_s == type(settings)().timeline_s
    window.shut_down()
    window.hide()


@pytest.fixture
def alone(qapp: object, movie: Path) -> MovieFrameDialog:
    """The dialog without its window."""
    dialog = MovieFrameDialog(movie)
    dialog.open()
    wait_until(dialog.number.isEnabled)
    return dialog


def test_previews_follow_the_slider_without_one_for_each_frame(alone: MovieFrameDialog) -> None:
    shown: list[int] = []
    show = alone._show
    alone._show = lambda index, image: (shown.append(index), show(index, image))[1]  # type: ignore[method-assign]
    for index in range(N_FRAMES):
        alone.slider.setValue(index)
    wait_until(lambda: alone._previewed == N_FRAMES - 1)
    assert shown[-1] == N_FRAMES - 1
    assert len(shown) < 4
    alone.reject()


def test_what_the_movie_does_not_have_is_told(alone: MovieFrameDialog) -> None:
    for text, words in (("01:00:30;00", "from 00:59:59;20 to 01:00:01;04"), ("half past", "no timecode")):
        alone.timecode.setText(text)
        alone.accept()
        assert words in alone.problem.text()
        assert alone.isVisible()
    alone.reject()


@pytest.mark.parametrize("suffix", MOVIE_SUFFIXES[:2])
def test_a_movie_that_cannot_be_read_is_refused_by_name(qapp: object, told: Told, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(b"no movie at all")
    dialog = MovieFrameDialog(path)
    closed: list[int] = []
    dialog.finished.connect(closed.append)
    dialog.open()
    wait_until(lambda: bool(closed))
    assert "broken" in told[-1]
    assert "export it again" in told[-1]
