"""Regions of an image: their choice, their pixels, and the way back into the image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.engine.starter.region import Region
from sounddesk.engine.starter.region import crop
from sounddesk.engine.starter.region import crop_mask
from sounddesk.engine.starter.region import redrawn
from sounddesk.engine.starter.region import region_of
from sounddesk.engine.starter.region import whole_image

SIZE = 160
NO_POINTS = np.zeros((0, 2), np.float32)
NO_LABELS = np.zeros(0, np.int64)


def choose(guess: np.ndarray, *, points: object = NO_POINTS, labels: object = NO_LABELS, **options: object) -> Region:
    options = {"box": None, "width": 320, "height": 80} | options
    return region_of(
        guess,
        points=np.array(points, np.float32).reshape(-1, 2),
        labels=np.array(labels, np.int64),
        image_size=SIZE,
        **options,  # type: ignore[arg-type]
    )


def blob(rows: slice, columns: slice, side: int = 40) -> np.ndarray:
    mask = np.zeros((side, side), np.bool_)
    mask[rows, columns] = True
    return mask


@st.composite
def regions(draw: st.DrawFn) -> Region:
    width, height = draw(st.integers(9, 400)), draw(st.integers(9, 400))
    left, top = draw(st.integers(0, width - 8)), draw(st.integers(0, height - 8))
    return Region(
        left=left,
        top=top,
        right=draw(st.integers(left + 8, width)),
        bottom=draw(st.integers(top + 8, height)),
        width=width,
        height=height,
    )


@given(regions(), st.lists(st.tuples(st.floats(0, SIZE), st.floats(0, SIZE)), max_size=4))
def test_points_come_back_from_cells(region: Region, places: list[tuple[float, float]]) -> None:
    points = np.array(places, np.float32).reshape(-1, 2)
    cells = region.cells(points, image_size=SIZE, side=32)
    back = region.points(cells, image_size=SIZE, side=32)
    assert np.allclose(back, points, atol=0.05)


def test_corners_of_a_region_are_corners_of_its_cells() -> None:
    region = Region(left=20, top=10, right=60, bottom=30, width=320, height=80)
    corners = np.array([[20 / 2 - 0.5, 10 * 2 - 0.5], [60 / 2 - 0.5, 30 * 2 - 0.5]], np.float32)
    assert region.cells(corners, image_size=SIZE, side=32).tolist() == [[0, 0], [32, 32]]
    grid = region.grid(2)
    assert grid[0, 0].tolist() == pytest.approx([30 / 320 * 2 - 1, 15 / 80 * 2 - 1])
    assert grid[1, 1].tolist() == pytest.approx([50 / 320 * 2 - 1, 25 / 80 * 2 - 1])


@given(st.data())
def test_a_region_lies_in_the_image_and_holds_clicks_and_guess(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 300))
    rows = sorted(data.draw(st.lists(st.integers(0, 40), min_size=2, max_size=2)))
    columns = sorted(data.draw(st.lists(st.integers(0, 40), min_size=2, max_size=2)))
    click = data.draw(st.tuples(st.floats(-0.5, SIZE - 1), st.floats(-0.5, SIZE - 1)))
    guess = blob(slice(*rows), slice(*columns))
    region = choose(guess, points=[click], labels=[1], width=width, height=height)
    assert 0 <= region.left < region.right <= width
    assert 0 <= region.top < region.bottom <= height
    x, y = region.cells(np.array([click], np.float32), image_size=SIZE, side=1)[0]
    assert -0.01 <= x <= 1.01
    assert -0.01 <= y <= 1.01


def test_a_guess_elsewhere_does_not_count_and_an_earlier_answer_does() -> None:
    click = {"points": [[20, 20]], "labels": [1]}
    here, there = blob(slice(4, 7), slice(4, 7)), blob(slice(30, 40), slice(30, 40))
    alone = choose(here, **click)  # type: ignore[arg-type]
    assert choose(here | there, **click) == alone  # type: ignore[arg-type]
    wider = choose(here, earlier=blob(slice(4, 20), slice(4, 20)), **click)  # type: ignore[arg-type]
    assert wider.right > alone.right
    assert wider.bottom > alone.bottom
    assert choose(blob(slice(0), slice(0)), **click).size > (8, 8)  # type: ignore[arg-type]


def test_a_box_decides_but_for_clicks_outside_it() -> None:
    box = np.array([40, 40, 80, 80], np.float32)
    everything = blob(slice(0, 40), slice(0, 40))
    region = choose(everything, box=box)
    assert 2 * 25 < region.left < 2 * 40
    assert 2 * 80 < region.right < 2 * 95
    assert choose(everything, box=box, points=[[140, 60]], labels=[1]).right > 2 * 140
    assert choose(everything, box=box, points=[[140, 60]], labels=[0]) == region


def test_pixels_and_masks_are_cut_alike() -> None:
    region = Region(left=8, top=4, right=24, bottom=12, width=40, height=20)
    mask = np.zeros((20, 40), np.bool_)
    mask[4:8, 8:16] = True
    image = np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * 200
    shares = crop_mask(mask, region, 8)
    assert shares[:4, :4].min() == 1
    assert shares[5:].max() == 0
    assert shares[:, 5:].max() == 0
    assert np.array_equal(crop(image, region, 8)[..., 0] > 100, shares > 0.5)


@given(regions())
def test_what_is_drawn_in_a_region_has_its_place_in_the_image(region: Region) -> None:
    side = 64
    ramp = np.add.outer(np.linspace(-3, 3, 16), np.linspace(-2, 2, 16)).astype(np.float32)
    whole = whole_image(width=region.width, height=region.height)
    drawn = redrawn(ramp, region, whole, side=side, outside=-8.0)
    rows = (np.arange(side) + 0.5) * region.height / side
    columns = (np.arange(side) + 0.5) * region.width / side
    inside = np.outer(
        (rows >= region.top) & (rows < region.bottom), (columns >= region.left) & (columns < region.right)
    )
    assert (drawn[~inside] == -8.0).all()
    assert drawn[inside].size == 0 or drawn[inside].min() >= -5.01


def test_redrawing_has_a_way_back() -> None:
    region = Region(left=40, top=10, right=120, bottom=70, width=160, height=80)
    ramp = np.add.outer(np.linspace(-3, 3, 32), np.linspace(-2, 2, 32)).astype(np.float32)
    whole = whole_image(width=160, height=80)
    back = redrawn(redrawn(ramp, region, whole, side=160, outside=-8.0), whole, region, side=32, outside=-8.0)
    assert np.abs(back - ramp)[1:-1, 1:-1].max() < 0.1
    assert np.array_equal(redrawn(ramp, region, region, side=32, outside=-8.0), ramp)


def test_overlap_of_regions() -> None:
    region = Region(left=40, top=10, right=120, bottom=70, width=160, height=80)
    assert region.overlap(region) == 1
    half = Region(left=80, top=10, right=160, bottom=70, width=160, height=80)
    assert region.overlap(half) == half.overlap(region) == pytest.approx(1 / 3)
    assert region.overlap(Region(left=0, top=0, right=40, bottom=80, width=160, height=80)) == 0


@pytest.mark.parametrize(("width", "height", "most", "mean"), [(1200, 900, 2, 0.5), (1203, 901, 16, 2.5)])
def test_a_large_part_is_averaged_as_a_small_one_is(width: int, height: int, most: int, mean: float) -> None:
    """Halved first, which is ten times as quick: the same but for rounding, and for odd last rows and columns."""
    import cv2

    from sounddesk.engine.starter.region import crop
    from sounddesk.engine.starter.region import whole_image

    coarse = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    seen = crop(image, whole_image(width=width, height=height), 64)
    plain = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    differences = np.abs(seen.astype(int) - plain)
    assert differences.max() <= most
    assert differences.mean() <= mean
