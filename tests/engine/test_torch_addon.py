"""The add-on for graphics cards: a tiny one with real hashes, in an app that is frozen as far as Python tells."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sounddesk.cli import health_checks
from sounddesk.cli.main import main
from sounddesk.engine import torch_addon
from sounddesk.engine.torch_addon import AddonError
from sounddesk.storage.addon_record import record_path

ROOT = Path(__file__).resolve().parents[2]
HOOK = ROOT / "packaging" / "frozen" / "graphics_card.py"


@pytest.fixture(scope="module")
def addon_script() -> ModuleType:
    path = ROOT / "packaging" / "addon.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    with zipfile.ZipFile(folder / f"{name}-{version}-cp311-cp311-linux_x86_64.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An app whose own torch is 2.13.0+cpu: its folder of libraries. The user's data are below `tmp_path`."""
    libraries = tmp_path / "app"
    metadata = libraries / "torch-2.13.0+cpu.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+cpu\n")
    (libraries / "torch").mkdir()
    (libraries / "torch" / "__init__.py").write_text("__version__ = '2.13.0+cpu'\n")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(libraries), raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return libraries


@pytest.fixture
def make_addon(tmp_path: Path, addon_script: ModuleType) -> Callable[..., Path]:
    def make(torch: str = "2.13.0+cu130") -> Path:
        wheels = tmp_path / f"wheels-{torch}"
        wheels.mkdir()
        _wheel(
            wheels, "torch", torch,
            {"torch/__init__.py": f"__version__ = {torch!r}\n", "torch/include/a.h": "", "torch/lib/libc10.so": "c10"},
        )  # fmt: skip
        _wheel(wheels, "nvidia_cublas", "13.0", {"nvidia/cu13/lib/libcublas.so": "x", "licenses/License.txt": "terms"})
        _wheel(wheels, "sympy", "1.13", {"sympy/__init__.py": ""})
        taken, version = addon_script.taken_wheels(wheels)
        folder = tmp_path / f"addon-{torch}"
        addon_script.unpack(taken, folder)
        told = addon_script.manifest(folder, torch=version, version="0.2.0")
        (folder / torch_addon.MANIFEST_NAME).write_text(json.dumps(told))
        return folder

    return make


def _imported_torch(app: Path) -> tuple[str, str]:
    """Version of torch that the app takes after its start, and what the start said; as the frozen app, in a process."""
    code = (
        "import sys; sys.frozen, sys._MEIPASS = True, sys.argv[1]; sys.path.insert(0, sys.argv[1]);"
        "exec(compile(open(sys.argv[2]).read(), sys.argv[2], 'exec')); import torch; print(torch.__version__)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(app), str(HOOK)],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return ended.stdout.strip(), ended.stderr


def _edit(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    path = folder / torch_addon.MANIFEST_NAME
    told = json.loads(path.read_text())
    edit(told)
    path.write_text(json.dumps(told))


def test_an_addon_is_checked_used_and_given_up(
    app: Path, make_addon: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _imported_torch(app) == ("2.13.0+cpu", "")
    assert "no add-on: torch 2.13.0+cpu" in health_checks.check_addon()[0].value
    folder = make_addon()
    # Headers, and what the app has itself, are left out; licences come along, and bytecode.
    held = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"nvidia/cu13/lib/libcublas.so", "licenses/License.txt"} < held
    assert not any(name.startswith(("torch/include", "sympy")) for name in held)
    assert any(name.endswith(".pyc") for name in held)
    assert main(["addon", "install", str(folder)]) == 0
    assert "used from the next start on: torch 2.13.0+cu130" in capsys.readouterr().out
    assert _imported_torch(app) == ("2.13.0+cu130", "")
    assert f"add-on in {folder}" in health_checks.check_addon()[0].value
    assert main(["addon", "check"]) == 0
    assert main(["addon", "remove"]) == 0 and (folder / "torch").is_dir() and not record_path().exists()
    assert main(["addon", "check"]) == 2
    assert "no add-on is installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda folder: (folder / "torch/lib/libc10.so").write_text("C10"), "libc10.so is not the file that it should"),
        (lambda folder: (folder / "torch/lib/libc10.so").write_text("longer"), "has 6 bytes instead of 3"),
        (lambda folder: (folder / "torch/lib/libc10.so").unlink(), "libc10.so is missing"),
        (lambda folder: (folder / "torch/more.py").write_text(""), "holds files that its manifest does not name ("),
        (lambda folder: (folder / "addon.json").unlink(), "holds no addon.json"),
        (lambda folder: (folder / "addon.json").write_text("{}"), "schema_version is missing"),
        (
            lambda folder: _edit(folder, lambda told: told["files"].update({"../x": {"sha256": "0" * 64, "bytes": 1}})),
            "leads out",
        ),
    ],
)
def test_an_addon_that_is_not_whole_is_refused(
    app: Path,
    make_addon: Callable[..., Path],
    harm: Callable[[Path], object],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = make_addon()
    harm(folder)
    assert main(["addon", "install", str(folder)]) == 2
    assert told in capsys.readouterr().err
    assert not record_path().exists()


@pytest.mark.parametrize(("key", "value"), [("torch", "2.12.1+cu130"), ("python", "3.9"), ("platform", "plan9-vax")])
def test_an_addon_for_another_app_is_refused(
    app: Path, make_addon: Callable[..., Path], key: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_addon()
    _edit(folder, lambda told: told["runtime"].update({key: value}))
    assert main(["addon", "install", str(folder)]) == 2
    said = capsys.readouterr().err
    assert value in said and "for sounddesk 0.2.0; this app needs torch 2.13.0+cpu" in said


def test_a_manifest_is_held_to_the_published_hash(app: Path, make_addon: Callable[..., Path]) -> None:
    folder, here = make_addon(), torch_addon.own_runtime()
    digest = hashlib.sha256((folder / "addon.json").read_bytes()).hexdigest()
    with pytest.raises(AddonError, match=f"has the SHA-256 {digest}, not {'0' * 64}"):
        torch_addon.install_addon(folder, here=here, manifest_sha256="0" * 64)
    assert torch_addon.install_addon(folder, here=here, manifest_sha256=digest.upper()).manifest_sha256 == digest


def test_an_addon_that_is_gone_leaves_the_processor(app: Path, make_addon: Callable[..., Path]) -> None:
    folder = make_addon()
    assert main(["addon", "install", str(folder)]) == 0
    folder.rename(folder.with_name("elsewhere"))
    version, said = _imported_torch(app)
    assert version == "2.13.0+cpu"
    assert f"computing on the processor: {folder} cannot be read" in said and "sounddesk addon remove" in said
    result = health_checks.check_addon()[0]
    assert not result.ok and not result.required and "the processor computes" in result.value


def test_a_changed_manifest_or_a_newer_app_leaves_the_processor(app: Path, make_addon: Callable[..., Path]) -> None:
    folder, here = make_addon(), torch_addon.own_runtime()
    torch_addon.install_addon(folder, here=here)
    state = torch_addon.addon_state(dataclasses.replace(here, torch="2.14.0"))
    assert state is not None and "this app needs torch 2.14.0" in state.problem
    _edit(folder, lambda told: told.update(made_for="9"))
    state = torch_addon.addon_state(here)
    assert state is not None and "is not the one that was installed" in state.problem
    record_path().write_text("[")
    state = torch_addon.addon_state(here)
    assert state is not None and "the record of the add-on is damaged" in state.problem
    with pytest.raises(AddonError, match="is damaged"):
        torch_addon.check_addon()


def test_an_installation_with_python_has_a_torch_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["addon", "install", str(tmp_path)]) == 2
    assert "install a CUDA build of torch there" in capsys.readouterr().err
    assert health_checks.check_addon() == []
