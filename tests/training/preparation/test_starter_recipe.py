from __future__ import annotations

import pytest

from sounddesk.resources_folder import resource
from sounddesk.training.preparation.starter_recipe import StarterRecipeError
from sounddesk.training.preparation.starter_recipe import load_backgrounds
from sounddesk.training.preparation.starter_recipe import load_kinds
from sounddesk.training.preparation.starter_sources import load_sources

KIND = """
fire truck:
  group: vehicles
  repeat: continuous
  caption: a siren wailing
  alt_captions: [siren]
  recordings:
    set: ["a.ogg", "b.ogg#2-8.5"]
  pictures:
    set: ["a.png", "b.jpg#0,0.5,1,1|object", "c.jpg|whole"]
    emoji: [1f692]
  test: ["set:a.png"]
"""


def load(tmp_path, text):
    path = tmp_path / "kinds.yaml"
    path.write_text(text)
    return load_kinds(path)


def test_a_kind_is_read(tmp_path):
    (kind,) = load(tmp_path, KIND)
    assert (kind.kind, kind.repeat, kind.imagenet_classes) == ("fire truck", "continuous", ())
    assert [(r.member, r.section_s) for r in kind.recordings] == [("a.ogg", None), ("b.ogg", (2.0, 8.5))]
    assert [(p.source, p.member, p.box, p.cut) for p in kind.pictures[:3]] == [
        ("set", "a.png", None, None),
        ("set", "b.jpg", (0.0, 0.5, 1.0, 1.0), "object"),
        ("set", "c.jpg", None, "whole"),
    ]
    assert {(p.source, p.member) for p in kind.pictures[3:]} == {
        ("fluent", "1f692.webp"),
        ("noto", "1f692"),
        ("twemoji", "1f692.svg"),
        ("openmoji", "1F692.svg"),
    }
    assert all(p.optional for p in kind.pictures[3:])


def test_pictures_for_training_are_read_as_the_others(tmp_path):
    (kind,) = load(tmp_path, KIND + '  train_pictures: {other: ["d.png|object"], emoji: [1f6a8]}\n')
    assert [(p.source, p.member, p.cut) for p in kind.train_pictures[:2]] == [
        ("other", "d.png", "object"),
        ("fluent", "1f6a8.webp", None),
    ]
    assert load(tmp_path, KIND)[0].train_pictures == ()


def test_a_picture_stands_in_one_list(tmp_path):
    with pytest.raises(StarterRecipeError, match="'fire truck' lists set:a.png twice"):
        load(tmp_path, KIND + '  train_pictures: {set: ["a.png"]}\n')


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("continuous", "always", "repeat is 'always'"),
        ("caption: a siren wailing", "note: x", "caption"),
        ("#2-8.5", "#9-8.5", "ends before it starts"),
        ("|object", "|magic", "the cut 'magic'"),
        ("#0,0.5,1,1", "#0,0.5,1,7", "must be shares"),
        ('"a.ogg", "b.ogg#2-8.5"', "", "at least one recording"),
    ],
)
def test_mistakes_are_named_with_their_kind(tmp_path, old, new, message):
    with pytest.raises(StarterRecipeError, match=message) as caught:
        load(tmp_path, KIND.replace(old, new))
    assert "fire truck" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]"])
def test_an_empty_table_is_refused(tmp_path, text):
    with pytest.raises(StarterRecipeError, match="must map kinds"):
        load(tmp_path, text)


def test_backgrounds_need_pictures(tmp_path):
    path = tmp_path / "backgrounds.yaml"
    path.write_text("test: [x]")
    with pytest.raises(StarterRecipeError, match="'pictures'"):
        load_backgrounds(path)


def test_the_shipped_recipe_is_whole():
    folder = resource("recipes/starter")
    kinds = load_kinds(folder / "kinds.yaml")
    sources = load_sources(folder / "sources.yaml")
    backgrounds = load_backgrounds(folder / "backgrounds.yaml")
    assert len(kinds) >= 80
    used = {r.source for kind in kinds for r in (*kind.recordings, *kind.pictures, *kind.train_pictures)}
    used |= {r.source for r in backgrounds.pictures}
    assert used <= sources.keys()
    for kind in kinds:
        assert kind.kind == kind.kind.lower()
        assert 2 <= len(kind.alt_captions) <= 4, kind.kind
        assert len(kind.pictures) >= 2, kind.kind
    assert all(source.licence and source.credit and len(source.sha256) == 64 for source in sources.values())


def test_classes_are_numbers_and_ranges(tmp_path):
    (kind,) = load(tmp_path, KIND + '  imagenet_classes: "555, 3-5"\n')
    assert kind.imagenet_classes == (555, 3, 4, 5)
    (kind,) = load(tmp_path, KIND + "  imagenet_classes: 555\n")
    assert kind.imagenet_classes == (555,)


@pytest.mark.parametrize("text", ["truck", "1-", "-1", "2, x"])
def test_classes_that_are_no_numbers_are_named(tmp_path, text):
    with pytest.raises(StarterRecipeError, match="'fire truck': imagenet_classes has"):
        load(tmp_path, KIND + f'  imagenet_classes: "{text}"\n')


def test_there_are_a_thousand_classes(tmp_path):
    with pytest.raises(StarterRecipeError, match="0 to 999"):
        load(tmp_path, KIND + '  imagenet_classes: "1000"\n')
