"""Bytes from outside become ours in few places: who calls a parser stands here, and a new caller is a decision.

The threat model (resources/manual/threat_model.md) says what each of them checks. Decoders of pictures are banned by
the linter's settings instead, because calls of them have exceptions of a line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sounddesk

ROOT = Path(sounddesk.__path__[0])

# By parser: the modules that may call it. '/' at the end stands for a whole folder.
CALLERS: dict[tuple[str, ...], set[str]] = {
    ("json.load", "json.loads"): {"storage/text_formats.py"},
    ("yaml.load", "yaml.safe_load", "yaml.full_load", "yaml.unsafe_load"): {"storage/text_formats.py"},
    ("tomllib.load", "tomllib.loads"): {"storage/text_formats.py"},
    ("csv.DictReader", "csv.reader"): {
        "storage/text_formats.py",
        # What the preparation wrote.
        "training/preparation/starter_table.py",
        "training/data/recordings.py",
        "training/clips/data_check.py",
    },
    ("sqlite3.connect",): {
        "storage/project_schema.py",
        "storage/project_file.py",
        "storage/library/library_schema.py",
        # In memory, for what a new database holds.
        "storage/sqlite_schema.py",
        "app/project/recovery.py",
        "evaluation/study/study_file.py",
    },
    ("tarfile.open",): {"training/clips/shards.py", "storage/packages.py"},
    ("zipfile.ZipFile",): {
        "storage/packages.py",
        # Looks at the list of a checkpoint's entries before torch reads them.
        "engine/catalogue/pickled_weights.py",
        # Writes only.
        "audio/exchange/dawproject.py",
        # Packages that are pinned by their hash.
        "training/preparation/",
    },
    ("av.open",): {"engine/media_file.py"},
    ("soundfile.read", "soundfile.info", "soundfile.SoundFile"): {
        "audio/files/wav_io.py",
        "audio/files/sound_stream.py",
        # Writes only.
        "audio/files/block_writers.py",
        "training/clips/media_reader.py",
        # What the preparation wrote, and packages that are pinned by their hash.
        "training/data/recordings.py",
        "training/data/detail_pairs.py",
        "training/preparation/",
    },
    ("xml.etree.ElementTree.fromstring", "xml.etree.ElementTree.parse", "xml.etree.ElementTree.iterparse"): {
        # Packages that are pinned by their hash.
        "training/preparation/",
    },
    # Looked up layer by layer, bounded, and given to networks of our own.
    ("h5py.File",): {"evaluation/sound_networks/keras_weights.py"},
    ("torch.load",): {
        "engine/catalogue/pickled_weights.py",
        # What a training wrote itself, or published weights that are pinned by their hash.
        "training/",
    },
    ("safetensors.safe_open", "safetensors.torch.load_file", "safetensors.torch.load", "safetensors.numpy.load_file"): {
        "engine/models/quantised_weights.py",
        "engine/perception/effects_head.py",
        "engine/perception/mask_separator.py",
        "engine/perception/matching_model.py",
        "engine/perception/sound_classifier.py",
        "engine/perception/sound_effects.py",
        "engine/segmenters/sam_checkpoint.py",
        "evaluation/sound_networks/weights.py",
        # What a training wrote itself, or published weights that are pinned by their hash.
        "training/",
    },
    ("xml.etree.ElementTree.XMLPullParser", "xml.etree.ElementTree.XMLParser"): {"storage/xml_text.py"},
    # Writers: names and texts of hers go through them, cleaned of what XML cannot hold.
    ("xml.etree.ElementTree.tostring", "xml.etree.ElementTree.ElementTree"): {
        "audio/exchange/dawproject.py",
        "audio/files/riff_chunks.py",
    },
    # Once through pickle and back, of what was made in the same line.
    ("pickle.load", "pickle.loads", "pickle.Unpickler"): {"batch/executors/portable_error.py"},
    ("numpy.load", "marshal.loads", "shelve.open", "builtins.eval", "builtins.exec"): set(),
    ("subprocess.run", "subprocess.Popen", "os.system", "os.popen"): {
        "storage/packages.py",
        "app/runtime/revealing.py",
    },
}


def _imported(tree: ast.AST) -> dict[str, str]:
    """What the names of a module stand for."""
    names = {"eval": "builtins.eval", "exec": "builtins.exec"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                names[each.asname or each.name.partition(".")[0]] = (
                    each.name if each.asname else each.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                names[each.asname or each.name] = f"{node.module}.{each.name}"
    return names


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value, names)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _calls() -> Iterator[tuple[str, str, ast.Call]]:
    """(module, what it calls, the call)."""
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = _imported(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (called := _dotted(node.func, names)):
                yield path.relative_to(ROOT).as_posix(), called, node


CALLS = list(_calls())


@pytest.mark.parametrize("parser", CALLERS, ids=lambda parser: parser[0])
def test_a_parser_is_called_at_the_gate_only(parser: tuple[str, ...]) -> None:
    found = {module for module, called, _ in CALLS if called in parser}
    pairs = {(module, one) for module in found for one in CALLERS[parser] if _is_in(module, one)}
    assert found - {module for module, _ in pairs} == set()
    assert CALLERS[parser] - {one for _, one in pairs} == set(), "no longer called there: take it off the list"


def test_weights_are_read_without_running_anything_and_without_the_hub() -> None:
    loads = [(module, node) for module, called, node in CALLS if called == "torch.load"]
    assert len(loads) > 3
    assert [module for module, node in loads if not _is_true(node, "weights_only")] == []
    pretrained = [
        (path.relative_to(ROOT).as_posix(), node)
        for path in sorted(ROOT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "from_pretrained"
    ]
    assert len(pretrained) > 5
    assert [module for module, node in pretrained if not _is_true(node, "local_files_only")] == []
    assert [module for module, _, node in CALLS if _is_true(node, "trust_remote_code")] == []


def _is_in(module: str, one: str) -> bool:
    return module == one or (one.endswith("/") and module.startswith(one))


def _is_true(node: ast.Call, keyword: str) -> bool:
    given = [each.value for each in node.keywords if each.arg == keyword]
    return any(isinstance(value, ast.Constant) and value.value is True for value in given)
