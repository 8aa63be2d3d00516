from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from sounddesk.engine.catalogue.entries import CatalogueError
from sounddesk.engine.catalogue.entries import find_entry
from sounddesk.engine.catalogue.entries import load_catalogue
from sounddesk.engine.catalogue.entries import read_catalogue
from sounddesk.engine.catalogue.users import MODEL_USERS
from sounddesk.engine.catalogue.users import ModelUser
from sounddesk.engine.catalogue.users import offered
from sounddesk.engine.catalogue.users import users_of
from sounddesk.engine.segmenters.sam_checkpoint import KNOWN_FILES

GOOD = """
schema_version = 1
[[model]]
id = "mine"
name = "Mine"
kind = "segmenter"
purpose = "masks"
licence = { name = "House licence", commercial = "conditional", note = "ask first" }
hub = { repo = "me/mine", revision = "main", patterns = ["*"] }
"""


def test_the_shipped_catalogue_says_what_everyone_must_know(tmp_path: Path) -> None:
    entries = load_catalogue(user_folder=tmp_path)
    wanted = ["sam-vit-b", "sam-vit-l", "sam-vit-h", "clip-vit-b-32", "clip-vit-b-16", "blip-large"]
    wanted += [f"sam2.1-{size}" for size in ("tiny", "small", "base-plus", "large")]
    wanted += ["audioldm-s", "audioldm-m", "audioldm-l", "audioldm2", "stable-audio-open"]
    # What the paper's metrics and its appendix B.1 measure with.
    wanted += [
        "panns-cnn14-16k",
        "vggish",
        "openl3-audio",
        "openl3-image",
        "wav2clip",
        "imagebind-huge",
    ]
    assert set(wanted) <= set(entries)
    for entry in entries.values():
        assert entry.name and entry.purpose and entry.licence.name and entry.licence.url
        assert (entry.hub is None) != (not entry.files)
        # Whoever may not use it freely must be told why.
        assert entry.licence.commercial == "yes" or entry.licence.note
    for size in "sml":
        assert entries[f"audioldm-{size}"].licence.spdx == "CC-BY-NC-SA-4.0"
        assert entries[f"audioldm-{size}"].licence.commercial == "no"


def test_every_shipped_entry_has_a_user(tmp_path: Path) -> None:
    entries = load_catalogue(user_folder=tmp_path)
    assert [key for key, entry in entries.items() if not users_of(entry)] == []
    assert users_of(entries["sam2.1-tiny"]) == ("segmenters",)
    assert set(users_of(entries["audioldm-s"])) == {"paper bundles", "text engines"}
    assert set(users_of(entries["clip-vit-b-32"])) == {"captioners", "paper bundles", "evaluation"}
    assert users_of(entries["blip-large"]) == ("captioners",)
    assert users_of(entries["owlv2-base"]) == ("prompters",)
    assert users_of(entries["vggish"]) == ("evaluation",)
    assert users_of(entries["audioldm2"]) == ("text engines",)


def test_what_nobody_uses_is_offered_once_somebody_does(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(GOOD.replace('"segmenter"', '"tagger"'))
    entries = load_catalogue(user_folder=tmp_path)
    lonely = dataclasses.replace(entries["vggish"], id="lonely")
    # A user's own catalogue is never hidden.
    assert set(offered({**entries, "lonely": lonely})) == {*entries, "mine"}
    with MODEL_USERS.added(ModelUser(name="FAD", uses=lambda entry: entry.id == "lonely")):
        assert users_of(lonely) == ("FAD",)
        assert "lonely" in offered({"lonely": lonely})


def test_every_model_that_the_program_names_is_in_the_catalogue(tmp_path: Path) -> None:
    from sounddesk.engine.bundles.paper_bundles import AUDIOLDM_IDS
    from sounddesk.engine.bundles.paper_bundles import CLIP_ID
    from sounddesk.engine.segmenters.registry import SEGMENTERS

    entries = load_catalogue(user_folder=tmp_path)
    named = {model.id for segmenter in SEGMENTERS for model in segmenter.models}
    assert {*named, *AUDIOLDM_IDS.values(), CLIP_ID} <= set(entries)
    assert {key for key, entry in entries.items() if entry.kind == "segmenter"} == named


def test_sam_is_the_published_one(tmp_path: Path) -> None:
    entries = load_catalogue(user_folder=tmp_path)
    shipped = {file.name: file for size in "blh" for file in entries[f"sam-vit-{size}"].files}
    assert set(shipped) == {known.name for known in KNOWN_FILES}
    for known in KNOWN_FILES:
        assert (shipped[known.name].bytes, shipped[known.name].sha256) == (known.size_bytes, known.sha256)
        # The authors put the beginning of the md5 into the name.
        assert shipped[known.name].md5[:6] == known.name.removesuffix(".pth")[-6:]


def test_a_user_adds_catalogues_but_cannot_hide_an_entry(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(GOOD)
    entries = load_catalogue(user_folder=tmp_path)
    assert find_entry(entries, "mine").licence.note == "ask first"
    assert find_entry(entries, "mine").origin == "me/mine (main)"
    (tmp_path / "c.toml").write_text(GOOD.replace('"mine"', '"sam-vit-b"'))
    with pytest.raises(CatalogueError, match=r"'sam-vit-b' is also in .*catalogue.toml: rename"):
        load_catalogue(user_folder=tmp_path)
    with pytest.raises(CatalogueError, match="there is no model 'nix': choose one of sam-vit-b"):
        find_entry(entries, "nix")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("schema_version = 1", "schema_version = 2"), "schema_version is 2"),
        (('id = "mine"', 'id = "../mine"'), "the id '../mine' is not usable"),
        (('kind = "segmenter"', 'kind = "toaster"'), r"model\[0\].kind is 'toaster': expected one of"),
        (('commercial = "conditional"', 'commercial = "maybe"'), r"model\[0\].licence.commercial is 'maybe'"),
        (('repo = "me/mine"', 'repo = "https://me"'), "repo is 'https://me': expected 'owner/name'"),
        (('patterns = ["*"]', "patterns = []"), "patterns is empty"),
        (('purpose = "masks"', 'purpose = "masks"\ncolour = "red"'), r"model\[0\].colour is not a key"),
        (("hub = {", "hubb = {"), r"model\[0\].hubb is not a key"),
        (('name = "Mine"', "name = 3"), r"model\[0\].name is 3: expected text"),
        (("[[model]]", "[[model"), "not TOML"),
    ],
)
def test_a_wrong_catalogue_is_refused_by_the_name_of_the_key(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(CatalogueError, match=message):
        read_catalogue(path)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ('{ name = "../w", url = "http://x/w" }', "only a plain relative path"),
        ('{ name = "w", url = "file:///etc/passwd" }', "only http and https"),
        ('{ name = "w", url = "http://x/w", sha256 = "12" }', "64 hexadecimal digits"),
        ('{ name = "w", url = "http://x/w", md5 = "12" }', "32 hexadecimal digits"),
        ('{ name = "w", url = "http://x/w" }, { name = "w", url = "http://x/v" }', "names 'w' twice"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, file: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    hub = next(line for line in GOOD.splitlines() if line.startswith("hub"))
    path.write_text(GOOD.replace(hub, f"files = [{file}]"))
    with pytest.raises(CatalogueError, match=message):
        read_catalogue(path)


def test_a_catalogue_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read"):
        read_catalogue(tmp_path / "none.toml")
