"""The scripts and specs of a release: what they name exists, and what can be checked without building is checked."""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import plistlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from sounddesk.app.manual_window import PAGES
from sounddesk.storage.release_file import read_release

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
SPEC = (PACKAGING / "frozen" / "sounddesk.spec").read_text(encoding="utf-8")


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def left_out() -> ModuleType:
    return _module(PACKAGING / "frozen" / "left_out.py")


def test_the_spec_is_python_and_its_files_exist() -> None:
    compile(SPEC, "sounddesk.spec", "exec")
    for name in re.findall(r'"([\w.]+\.py)"', SPEC):
        assert (PACKAGING / "frozen" / name).is_file(), name


@pytest.mark.parametrize(
    "path",
    [
        "torch/include/ATen/ATen.h", "torch/bin/protoc", "scipy/signal/tests/test_a.py", "libgtk-3.so.0",
        "PySide6/Qt/plugins/platforms/libqeglfs.so", r"PySide6\Qt\translations\qt_de.qm", "libcudart.so",
    ],
)  # fmt: skip
def test_what_nobody_needs_is_left_out(left_out: ModuleType, path: str) -> None:
    assert left_out.is_left_out(path)


@pytest.mark.parametrize(
    "path",
    [
        "torch/lib/libtorch_cpu.so", "torch/bin/torch_shm_manager", "torch/testing/_internal/common_dtype.py",
        "PySide6/Qt/plugins/platforms/libqxcb.so", "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6/Qt/plugins/platformthemes/libqxdgdesktopportal.so", "numpy/f2py/__init__.py",
        "sounddesk/_resources/starter/bundle.json",
    ],
)  # fmt: skip
def test_what_is_needed_is_kept(left_out: ModuleType, path: str) -> None:
    assert not left_out.is_left_out(path)
    assert path.partition("/")[0] not in left_out.EXCLUDED_MODULES


def test_modules_with_source_have_bytecode_that_python_takes(tmp_path: Path) -> None:
    """Python takes source before bytecode beside it, and would compile it at every start."""
    finish = _module(PACKAGING / "frozen" / "finish.py")
    (tmp_path / "both.py").write_text("VALUE = 1\n", encoding="utf-8")
    (tmp_path / "both.pyc").write_bytes(b"")
    (tmp_path / "alone.pyc").write_bytes(b"x")
    assert finish.settle_modules(tmp_path) == 1
    assert not (tmp_path / "both.pyc").exists() and (tmp_path / "alone.pyc").exists()
    compiled = next((tmp_path / "__pycache__").glob("both.*.pyc"))
    # Flags of PEP 552: hashed, and not compared with the source.
    assert compiled.read_bytes()[4:8] == (1).to_bytes(4, "little")
    table = finish.size_table(tmp_path)
    assert table.startswith("3 files") and "| both.py | 0.0 |" in table


def test_a_release_is_described_as_doctor_reads_it(tmp_path: Path) -> None:
    release = _module(PACKAGING / "release.py")
    (tmp_path / "a.whl").write_bytes(b"wheel")
    (tmp_path / "SHA256SUMS").write_text("of an earlier run", encoding="utf-8")
    release.describe(tmp_path, version="0.3.0", date="2026-11-30")
    described = read_release(tmp_path / "release.json")
    digest = hashlib.sha256(b"wheel").hexdigest()
    assert [(each.name, each.bytes, each.sha256) for each in described.artefacts] == [("a.whl", 5, digest)]
    assert (tmp_path / "SHA256SUMS").read_text(encoding="utf-8") == f"{digest}  a.whl\n"


def test_a_release_that_was_stopped_goes_on(tmp_path: Path) -> None:
    release = _module(PACKAGING / "release.py")
    done: list[str] = []
    broken = {"freeze"}

    def step(name: str) -> Callable[[Any], str]:
        def do(the_release: Any) -> str:
            done.append(name)
            if name in broken:
                raise RuntimeError("no room")
            (the_release.out / f"{name}.txt").write_text(name, encoding="utf-8")
            return f"{name} | made"

        return do

    steps = {name: step(name) for name in ("build", "environment", "licences", "freeze", "smoke", "site")}

    def names(*only: str, tree: str = "abc", torch: str = "torch") -> list[str]:
        """What is done when the command is given again."""
        done.clear()
        options = argparse.Namespace(only=only or None, torch=torch, torch_index=None, addon=None)
        the_release = release.Release(tmp_path / "out", options)
        for place in (the_release.out, the_release.frozen, the_release.python.parent):
            place.mkdir(parents=True, exist_ok=True)
        the_release.python.touch()
        record = release.Record(the_release.work / "steps.json")
        record.begin(tree)
        assert release.do_steps(the_release, record, tree=tree, steps=steps) == bool(broken)
        return done.copy()

    assert names() == ["build", "environment", "licences", "freeze", "site"]
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "| freeze | FAILED |" in report and "| smoke | skipped |" in report and "| changelog | not done |" in report
    assert "| build | done | 0 | build / made |" in report
    broken.clear()
    assert names() == ["freeze", "smoke"]
    assert names() == []
    # An artefact that is gone or was cut off; one step again, and what stands on it; another tree, other settings.
    (tmp_path / "out" / "site.txt").write_text("s", encoding="utf-8")
    assert names() == ["site"]
    assert names("freeze") == ["freeze"] and names() == ["smoke"]
    assert names(torch="torch==2.13.0") == ["environment", "licences", "freeze", "smoke"]
    assert names(tree="def") == list(steps)
    # Stopped in its first step, it knows all the same of which commit the folder is.
    record = release.Record(tmp_path / "steps.json")
    record.begin("abc")
    assert release.Record(tmp_path / "steps.json").commit == "abc"


def test_addresses_stand_in_one_place() -> None:
    """No artefact names a host that somebody made up: whoever publishes writes theirs into pyproject.toml."""
    made_up = re.compile(r"(?:https?://|@)[\w.-]*sounddesk\.(?!invalid\b)\w+")
    files = [
        ROOT / "pyproject.toml",
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "resources" / "manual").glob("*.md"),
    ]
    files += [
        path
        for path in PACKAGING.rglob("*")
        if path.suffix in (".py", ".iss", ".in", ".yaml", ".yml", ".sh", ".j2", ".spec")
    ]
    assert [
        (path.name, made_up.findall(text)) for path in files if made_up.search(text := path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize(("torch", "torchvision"), [("2.13.0+cpu", "0.28"), ("2.4.1", "0.19")])
def test_torchvision_goes_with_torch(torch: str, torchvision: str) -> None:
    environment = _module(PACKAGING / "frozen" / "environment.py")
    assert environment.torchvision_of(torch) == f"torchvision=={torchvision}.*"


def test_torchvision_can_be_imported_without_its_operators(tmp_path: Path) -> None:
    """A stand-in for both packages: what is tested is when, and for whom, the operators are declared."""
    (tmp_path / "torch.py").write_text(
        "class library:\n    define = staticmethod(lambda name, schema: print(name))\n", encoding="utf-8"
    )
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("print('imported')\n", encoding="utf-8")
    code = "import torchvision_operators, sys; assert 'torch' not in sys.modules; import torchvision"
    command = [sys.executable, "-S", "-c", code]
    environment = {"PYTHONPATH": f"{tmp_path}:{PACKAGING / 'frozen'}"}

    def said() -> list[str]:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return ended.stdout.split()

    assert said() == ["torchvision::nms", "torchvision::qnms", "imported"]
    (package / "_C.so").touch()
    assert said() == ["imported"]


def test_a_library_that_nothing_calls_is_replaced_by_an_empty_one(tmp_path: Path) -> None:
    """Of two real libraries: the one asks the other, by names with and without a version."""
    if not all(shutil.which(tool) for tool in ("cc", "nm")):
        pytest.skip("no C compiler")
    unused = _module(PACKAGING / "frozen" / "unused_libraries.py")
    (tmp_path / "codec.c").write_text(
        "int levels[2] = {7, 8}; int plain(void) { return 7; } int versioned(void) { return 7; }"
    )
    (tmp_path / "codec.ld").write_text("V1 { global: versioned; };\n")
    (tmp_path / "user.c").write_text(
        "extern int levels[2]; int plain(void); int versioned(void);"
        "int ask(void) { return plain() + versioned() + levels[0]; }"
    )
    codec, user = tmp_path / "libcodec.so", tmp_path / "libuser.so"
    for source, library, options in (
        ("codec.c", codec, ["-Wl,--version-script=codec.ld"]),
        ("user.c", user, ["-L.", "-lcodec", "-Wl,-rpath,$ORIGIN"]),
    ):
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library.name, *options], cwd=tmp_path, check=True)

    def answer() -> str:
        code = f"import ctypes; print(ctypes.CDLL({str(user)!r}).ask())"
        return subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True).stdout

    assert answer() == "21\n"
    assert unused.replace(codec, [user]) == 3
    assert answer() == "0\n"


def test_every_part_of_the_app_has_its_licence(tmp_path: Path) -> None:
    notices = _module(PACKAGING / "frozen" / "notices.py")
    table = tomllib.loads((PACKAGING / "frozen" / "native_libraries.toml").read_text(encoding="utf-8"))
    assert notices.entries_of({"libavcodec-1.so.62", "libicudata.so.73", "libnew.so"}, table)[1] == ["libnew.so"]
    packages = tmp_path / "packages"
    (packages / "av.libs").mkdir(parents=True)
    for name, size in (
        ("libavcodec-1.so", 70_000),
        ("libx264-1.so.165", 15_000),
        ("libx265-1.so.216", 70_000),
        ("libXau-1.so", 9),
    ):
        (packages / "av.libs" / name).write_bytes(bytes(size))
    toc = tmp_path / "COLLECT-00.toc"
    listed = [(path.name, str(path), "BINARY") for path in (packages / "av.libs").iterdir()]
    toc.write_text(repr(([*listed, ("a", "/nowhere/liba.so.1", "BINARY"), ("b", "/nowhere/b.txt", "DATA")],)))
    found = notices.collected(toc, packages=packages)
    # An empty library is none; what nobody knows is told.
    assert found.wheels == {"libavcodec-1.so", "libx265-1.so.216", "libXau-1.so"} and found.unknown == {"liba.so.1"}
    rows = [{"Name": name, "Version": "1", "License": "x"} for name in ("sounddesk", "mutagen")]
    text = notices.page(rows, found, table)
    assert "under **GPL-3.0-or-later** (`texts/GPL-3.0.txt`): x265, mutagen in it" in text
    assert "| FFmpeg | LGPL-3.0-or-later" in text and "x264" not in text and "PyAV-Org/pyav-ffmpeg" in text
    assert "LGPL-3.0 (`texts/LGPL-3.0.txt`)" in notices.page(rows[:1], notices.Collected(), table)
    found.wheels.add("libnew.so")
    with pytest.raises(SystemExit, match="no entry in native_libraries.toml: libnew.so"):
        notices.page(rows, found, table)
    for name in ("GPL-2.0", "GPL-3.0", "LGPL-2.1", "LGPL-3.0", "MPL-2.0"):
        assert "GNU" in (PACKAGING / "licences" / f"{name}.txt").read_text(encoding="utf-8")


def test_windows_and_macos_know_the_same_files() -> None:
    script = (PACKAGING / "windows" / "sounddesk.iss").read_text(encoding="utf-8")
    assert r"Software\Classes\.sdesk" in script and "application/x-sounddesk-project" in script
    # Every name that is asked for on the command line is given by the release script.
    given = (PACKAGING / "release_steps.py").read_text(encoding="utf-8")
    for name in re.findall(r"#ifndef (\w+)", script):
        assert f"/D{name}=" in given
    plist = plistlib.loads((PACKAGING / "macos" / "Info.plist").read_bytes())
    types = plist["UTExportedTypeDeclarations"][0]["UTTypeTagSpecification"]
    assert types == {"public.filename-extension": ["sdesk"], "public.mime-type": "application/x-sounddesk-project"}
    rights = plistlib.loads((PACKAGING / "macos" / "entitlements.plist").read_bytes())
    assert not any("network" in name or "app-sandbox" in name for name in rights)


def test_workflows_call_the_scripts_of_the_repository() -> None:
    called = set()
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            called |= set(
                re.findall(r"[\w./]+/(?:run|\w+\.py)\b", " ".join(step.get("run", "") for step in job["steps"]))
            )
    assert called == {".ci/run", "packaging/release.py"}
    assert all((ROOT / path).is_file() for path in called)


def test_the_site_has_every_page_of_the_help_and_no_copy() -> None:
    site = PACKAGING / "site"
    config = (site / "mkdocs.yml").read_text(encoding="utf-8")
    assert (site / re.search(r"docs_dir: (\S+)", config)[1]).resolve() == ROOT / "resources" / "manual"  # type: ignore[index]
    assert list(site.rglob("*.md")) == []
    assert all((ROOT / "resources" / "manual" / f"{name}.md").is_file() for name, _ in PAGES)
