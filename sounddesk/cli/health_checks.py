"""What `sounddesk doctor` looks at besides the system's libraries."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from pathlib import Path
from typing import Final

from sounddesk import __version__
from sounddesk.cli.check_result import CheckResult
from sounddesk.resources_folder import frozen_folder
from sounddesk.storage.release_file import read_release

_MIN_MEMORY_GIB: Final = 2.0
_MIN_DISK_GIB: Final = 0.2
_PACKAGES: Final = (
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "safetensors",
    "huggingface_hub",
    "segment-anything",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "pillow",
    "soundfile",
    "soxr",
    "sounddevice",
    "PySide6-Essentials",
)
_OPTIONAL_PACKAGES: Final = {"PySide6-Essentials": "pip install PySide6-Essentials"}


def check_packages() -> list[CheckResult]:
    """Versions of Python, sounddesk and what it stands on; a package that cannot be loaded is a problem."""
    section = "versions"
    results = [
        CheckResult(section=section, name="sounddesk", value=__version__),
        CheckResult(
            section=section,
            name="Python",
            value=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        ),
    ]
    for name in _PACKAGES:
        optional = name in _OPTIONAL_PACKAGES
        try:
            results.append(CheckResult(section=section, name=name, value=importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            results.append(
                CheckResult(
                    section=section,
                    name=name,
                    value="not installed",
                    ok=False,
                    required=not optional,
                    needed_for="the desk's window (not rendering)" if optional else "rendering",
                    remedy=_install(_OPTIONAL_PACKAGES.get(name, f"pip install {name}")),
                )
            )
    return results


def _install(command: str) -> str:
    """The remedy for a missing package: in the frozen app there is no pip that could bring it."""
    return command if frozen_folder() is None else "install sounddesk again"


def check_device() -> CheckResult:
    """The device that rendering would use, with its memory; loads torch."""
    section = "machine"
    try:
        from sounddesk.engine.device import choose_device
        from sounddesk.engine.device import memory_figures

        policy = choose_device()
        memory = memory_figures(policy.device)
    except (ImportError, OSError, RuntimeError) as error:
        # A torch build that does not fit the machine fails in any of these ways.
        return CheckResult(
            section=section,
            name="device",
            value=f"torch cannot be used ({error})",
            ok=False,
            required=True,
            needed_for="rendering",
            remedy=_install("pip install --force-reinstall torch torchvision"),
        )
    value = f"{policy.reason}, {memory.free_bytes / 2**30:.1f} GiB free of {memory.total_bytes / 2**30:.1f} GiB"
    return CheckResult(section=section, name="device", value=value)


def check_addon() -> list[CheckResult]:
    """Of the app without Python: whether it has the add-on for graphics cards, and uses it."""
    if frozen_folder() is None:
        return []
    from sounddesk.engine.torch_addon import addon_state
    from sounddesk.engine.torch_addon import own_runtime

    here = own_runtime()
    state = addon_state(here)
    if state is None:
        value = f"no add-on: {here} computes on the processor; 'sounddesk addon install FOLDER' adds one"
        return [CheckResult(section="machine", name="graphics card", value=value)]
    if state.problem:
        return [
            CheckResult(
                section="machine", name="graphics card", value="the add-on is not used, the processor computes",
                ok=False, needed_for="a graphics card", remedy=state.problem,
            )
        ]  # fmt: skip
    value = f"add-on in {state.folder}: {state.runtime}; should torch fail, 'sounddesk addon remove' goes back"
    return [CheckResult(section="machine", name="graphics card", value=value)]


def check_memory() -> CheckResult:
    """Memory that is free now, against the demo's peak."""
    import psutil

    memory = psutil.virtual_memory()
    available_gib = memory.available / 2**30
    ok = available_gib >= _MIN_MEMORY_GIB
    return CheckResult(
        section="machine",
        name="memory",
        value=f"{available_gib:.1f} GiB free of {memory.total / 2**30:.1f} GiB",
        ok=ok,
        needed_for="" if ok else "rendering 10 s with the starter bundle (2 GiB)",
        remedy="" if ok else "close other programs, or render fewer seconds",
    )


def check_disk(folder: Path) -> CheckResult:
    """Room where results would be written: `folder` or its nearest parent that exists."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    free_gib = shutil.disk_usage(place).free / 2**30
    ok = free_gib >= _MIN_DISK_GIB
    return CheckResult(
        section="machine",
        name="disk",
        value=f"{free_gib:.1f} GiB free in {place}",
        ok=ok,
        needed_for="" if ok else "writing stems",
        remedy="" if ok else "free some room, or choose another folder with --out",
    )


def check_bundles() -> list[CheckResult]:
    """Every bundle with licence, and whether its files are what its manifest says."""
    from sounddesk.domain.errors import EngineError
    from sounddesk.engine.bundles.installed_bundles import list_bundles
    from sounddesk.resources_folder import SHIPPED_BUNDLE

    section = "bundles"
    results = []
    starter_ok = False
    for listing in list_bundles():
        if listing.bundle is not None and listing.bundle.text_engine is not None:
            # Listed among the installed models.
            continue
        problem = listing.problem
        name = listing.folder.name
        value = problem or ""
        if listing.bundle is not None:
            manifest = listing.bundle.manifest
            name = manifest.name
            terms = f"{manifest.licence.name}, commercial use: {manifest.licence.commercial}"
            try:
                listing.bundle.verify()
                value = f"version {manifest.version}, {terms}, {listing.bundle.n_bytes / 2**20:.0f} MiB, files intact"
                starter_ok = starter_ok or name == SHIPPED_BUNDLE
            except EngineError as error:
                problem = str(error)
                value = f"version {manifest.version}, {terms}: {problem}"
        results.append(
            CheckResult(
                section=section,
                name=f"{name} ({listing.folder})",
                value=value,
                ok=problem is None,
                needed_for="" if problem is None else f"rendering with {name}",
                remedy="" if problem is None else "install it again",
            )
        )
    if not starter_ok:
        results.append(
            CheckResult(
                section=section,
                name=SHIPPED_BUNDLE,
                value="no usable starter bundle",
                ok=False,
                required=True,
                needed_for="rendering without naming a bundle",
                remedy=_install("pip install --force-reinstall sounddesk"),
            )
        )
    return results


def check_models() -> list[CheckResult]:
    """Every installed model with licence, and whether its files are there; hashes are for `models verify`."""
    from sounddesk.domain.errors import EngineError
    from sounddesk.engine.catalogue.model_store import list_models

    results = []
    for listing in list_models():
        problem, model = listing.problem, listing.model
        value = problem or ""
        if model is not None:
            terms = f"{model.licence.name}, commercial use: {model.licence.commercial}, accepted {model.accepted_at}"
            value = f"{model.kind}, {terms}, {model.n_bytes / 2**20:.0f} MiB"
            try:
                model.check_lengths()
            except EngineError as error:
                problem = str(error)
                value = f"{value}: {problem}"
        name = listing.record_folder.name
        results.append(
            CheckResult(
                section="installed models",
                name=name,
                value=value,
                ok=problem is None,
                needed_for="" if problem is None else f"using {name}",
                remedy="" if problem is None else f"sounddesk models install {name}",
            )
        )
    return results


def check_segmenter() -> CheckResult:
    """Which segmenter answers clicks."""
    section = "segmenter"
    try:
        from sounddesk.domain.errors import EngineError
        from sounddesk.engine.segmenters.choice import choose_segmenter
    except (ImportError, OSError) as error:
        return CheckResult(
            section=section,
            name="active",
            value=f"OpenCV cannot be loaded ({error})",
            ok=False,
            required=True,
            needed_for="turning clicks and boxes into masks",
            remedy=_install("pip install --force-reinstall opencv-python-headless"),
        )
    try:
        choice = choose_segmenter()
    except EngineError as error:
        return CheckResult(
            section=section,
            name="active",
            value=str(error),
            ok=False,
            needed_for="SAM's masks",
            remedy="name another checkpoint, or unset SOUNDDESK_SAM_CHECKPOINT",
        )
    return CheckResult(section=section, name="active", value=choice.notice.removeprefix("segmenter: "))


def check_release(path: Path) -> CheckResult:
    """Whether the release that a file describes is newer than what is installed. Raises: BadInputError."""
    release = read_release(path)
    told = f"{release.version} of {release.date}"
    standing = release.standing(__version__)
    if standing == "newer":
        value = f"{told} is newer than {__version__}, which is installed"
        return CheckResult(
            section="release", name="update", value=value, ok=False, needed_for="what its changelog says",
            remedy=f"install one of {', '.join(each.name for each in release.artefacts) or 'its files'}",
        )  # fmt: skip
    value = (
        f"{told} is what is installed"
        if standing == "same"
        else f"{told} is older than {__version__}, which is installed"
    )
    return CheckResult(section="release", name="update", value=value)


def list_segmenters() -> list[CheckResult]:
    """Every segmenter that sounddesk knows, and what it can do."""
    from sounddesk.engine.segmenters.registry import ranked_segmenters

    return [
        CheckResult(section="segmenter", name=entry.name, value=f"{entry.title}: {entry.capabilities}")
        for entry in ranked_segmenters()
    ]
