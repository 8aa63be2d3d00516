from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sounddesk.domain import naming

NAMES = st.text(st.characters(), max_size=400)
TRICKY = st.sampled_from(
    [
        "",
        " ",
        ".",
        "..",
        "con",
        "COM1",
        "lpt9.wav",
        "CON.txt",
        "com¹",
        "nul ",
        "-rf",
        "~",
        "a/b\\c",
        "dog",
        "DOG",
        "dog-2",
        "D\u00f3g",
        "Do\u0301g",
        "straße",
        "STRASSE",
        "🐶",
        "🐶🐶",
        "a\x00b",
        "\u202egnp",
        "\ud800",
        "犬" * 100,
        "x" * 300,
    ]
)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("dog", "dog"),
        ("big dog", "big_dog"),
        ("a/b\\c", "a_b_c"),
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\temp", "C_temp"),
        (".hidden", "hidden"),
        ("  dog.  ", "dog"),
        ("-rf", "rf"),
        ("CON", "object_CON"),
        ("aux", "object_aux"),
        ("com¹", "object_com¹"),
        ("nul.wav", "nul_wav"),
        ("🐶", "dog_face"),
        ("🐶 1", "dog_face_1"),
        ("❤️", "heavy_black_heart"),
        ("犬", "犬"),
        ("Hund é", "Hund_é"),
        ("हिन्दी", "हिन्दी"),
        ("a\nb\x00c\u200d", "a_b_c"),
        ("", "object"),
        ("///", "object"),
        ("\ud800", "object"),
        ("\u0301", "object"),
    ],
)
def test_examples(name: str, stem: str) -> None:
    assert naming.safe_file_stem(name) == stem


@given(NAMES | TRICKY, st.integers(16, 120))
def test_stem_is_safe_on_every_system(name: str, max_bytes: int) -> None:
    stem = naming.safe_file_stem(name, max_bytes=max_bytes)
    assert 0 < len(stem.encode()) <= max_bytes
    assert not set(stem) & set("/\\:*?\"<>|. \t\n\0$~%&'`")
    assert stem[0] not in "-_."
    assert stem[-1] not in "-_. "
    assert all(unicodedata.category(c)[0] in "LNM" or c in "-_" for c in stem)
    assert unicodedata.is_normalized("NFC", stem)
    assert stem.casefold() not in {"con", "prn", "aux", "nul", "com1", "lpt1"}
    assert naming.safe_file_stem(stem, max_bytes=max_bytes) == stem


@given(NAMES)
def test_unicode_form_makes_no_difference(name: str) -> None:
    assert naming.safe_file_stem(unicodedata.normalize("NFD", name)) == naming.safe_file_stem(
        unicodedata.normalize("NFC", name)
    )


@given(st.lists(NAMES | TRICKY, max_size=12))
def test_stems_are_unique_whatever_case_or_form(names: list[str]) -> None:
    stems = naming.unique_file_stems(names, taken=["mix"])
    assert len(stems) == len(names)
    for fold in (str.casefold, str.lower, str.upper):
        keys = {fold(unicodedata.normalize("NFD", stem)) for stem in [*stems, "mix"]}
        assert len(keys) == len(names) + 1
    assert all(0 < len(stem.encode()) <= naming.MAX_STEM_BYTES for stem in stems)
    assert stems == naming.unique_file_stems(names, taken=["mix"])


@given(st.lists(NAMES | TRICKY, min_size=1, max_size=8))
def test_more_objects_do_not_rename_the_first_of_each_stem(names: list[str]) -> None:
    assert naming.unique_file_stems(names)[0] == naming.safe_file_stem(names[0])


def test_collisions_are_numbered_around_names_that_look_numbered() -> None:
    assert naming.unique_file_stems(["dog", "Dog", "dog-2", "d/g", "mix"], taken=["mix"]) == (
        "dog",
        "Dog-3",
        "dog-2",
        "d_g",
        "mix-2",
    )


def test_long_names_with_the_same_beginning_stay_apart_within_the_limit() -> None:
    stems = naming.unique_file_stems(["x" * 300, "x" * 301, "犬" * 300, "犬" * 301])
    assert stems[1] == "x" * 78 + "-2"
    assert all(len(stem.encode()) <= naming.MAX_STEM_BYTES for stem in stems)
    assert len(set(stems)) == 4


@given(NAMES | TRICKY)
def test_file_can_be_made(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / f"{naming.safe_file_stem(name)}.wav"
    path.write_bytes(b"")
    assert path in list(path.parent.iterdir())
    path.unlink()


def test_too_small_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        naming.safe_file_stem("dog", max_bytes=3)
