"""Tries the frozen app where there is no Python: in a root that holds a minimal system and the app, and nothing else.

    python packaging/frozen/smoke.py FROZEN --root FOLDER [--installed DEMO] [--report FILE] [--screenshot FILE]

FOLDER is made with debootstrap where it is missing (as root, on Debian). Without debootstrap or root the same steps run
in an environment whose PATH is empty, and the report says so. `--installed` is a folder of `sounddesk demo` as an
installation with the same torch renders it: the samples must be identical. The window is shown on an Xvfb of this
machine, where there is one. Exits with 1 when a step fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Final

_SUITE: Final = "bookworm"
# As the .deb depends on them; the command line needs none of them.
_FOR_THE_WINDOW: Final = ("libegl1", "libgl1", "libfontconfig1", "libdbus-1-3", "fonts-dejavu-core")
_CHROOT: Final = shutil.which("chroot") or "/usr/sbin/chroot"
_DISPLAY: Final = ":97"
_WINDOW_S: Final = 90.0


@dataclass
class Place:
    """Where the app runs.

    Attributes:
        frozen: the app's folder, as this machine sees it.
        root: the clean root, or None for an environment without PATH.
        results: what each step said, by its name.
    """

    frozen: Path
    root: Path | None
    results: dict[str, str] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        """A folder that both sides see, as this side sees it."""
        folder = (self.root or Path(tempfile.gettempdir())) / "smoke"
        folder.mkdir(exist_ok=True)
        return folder

    def inside(self, path: Path) -> str:
        """A path of the work folder as the app sees it."""
        return str(path) if self.root is None else "/" + str(path.relative_to(self.root))

    def command(self, name: str, *arguments: str) -> list[str]:
        if self.root is None:
            return [str(self.frozen / name), *arguments]
        return [_CHROOT, str(self.root), f"/opt/sounddesk/{name}", *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        home = self.inside(self.work / "home")
        # Windows starts no program without the second.
        kept = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "SYSTEMROOT") if name in os.environ}
        return {"HOME": home, "PATH": "", "LC_ALL": "C.UTF-8", **kept, **more}

    def run(self, name: str, *arguments: str, expect: int = 0, **environment: str) -> str:
        """Run a command of the app to its end; what it printed. Raises: RuntimeError for another exit code."""
        ended = subprocess.run(
            self.command(name, *arguments),
            check=False,
            env=self.environment(**environment),
            cwd=None if self.root else self.work,
            capture_output=True,
            text=True,
            timeout=900,
        )
        if ended.returncode != expect:
            said = (ended.stdout + ended.stderr)[-2000:]
            raise RuntimeError(f"{name} {' '.join(arguments)} ended with {ended.returncode}, not {expect}:\n{said}")
        return ended.stdout + ended.stderr


def make_root(root: Path) -> None:
    """A minimal system without Python at `root`."""
    subprocess.run(["debootstrap", "--variant=minbase", _SUITE, str(root)], check=True, stdout=subprocess.DEVNULL)


def enter(place: Place) -> None:
    """Put the app into the root, and see that there is no Python."""
    place.work.joinpath("home").mkdir(exist_ok=True)
    if place.root is None:
        return
    app = place.root / "opt" / "sounddesk"
    if app.exists():
        shutil.rmtree(app)
    app.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "-al", str(place.frozen), str(app)], check=True)
    found = [path for folder in ("usr/bin", "usr/local/bin") for path in (place.root / folder).glob("python*")]
    if found:
        raise RuntimeError(f"the root has Python: {found}")
    subprocess.run(["mount", "-t", "proc", "proc", str(place.root / "proc")], check=False)


def leave(place: Place) -> None:
    if place.root is not None:
        subprocess.run(["umount", str(place.root / "proc")], check=False, stderr=subprocess.DEVNULL)


def version(place: Place) -> str:
    return place.run("sounddesk", "--version").strip()


def doctor(place: Place) -> str:
    said = place.run("sounddesk", "doctor")
    assert "rendering works here" in said, said
    missing = [line.strip() for line in said.splitlines() if line.startswith("!")]
    return f"rendering works; {len(missing)} missing: {'; '.join(missing) or 'nothing'}"


def demo(place: Place, installed: Path | None) -> str:
    out = place.work / "demo"
    shutil.rmtree(out, ignore_errors=True)
    began = time.monotonic()
    place.run("sounddesk", "demo", "--quiet", "--out", place.inside(out))
    took = time.monotonic() - began
    sounds = sorted(out.glob("*.wav"))
    assert len(sounds) >= 5, sounds
    if installed is None:
        return f"{len(sounds)} files in {took:.1f} s; not compared"
    for sound in sounds:
        assert sound.read_bytes() == (installed / sound.name).read_bytes(), (
            f"{sound.name} differs from the installed one's"
        )
    return f"{len(sounds)} files in {took:.1f} s, each identical to the installed one's"


def export(place: Place) -> str:
    """The kept project of an older version, as files."""
    project = Path(__file__).resolve().parents[2] / "tests" / "storage" / "data" / "v1.2.sdesk"
    shutil.copy(project, place.work / "old.sdesk")
    out = place.work / "export"
    shutil.rmtree(out, ignore_errors=True)
    place.run("sounddesk", "export", place.inside(place.work / "old.sdesk"), "--out", place.inside(out))
    names = sorted(path.name for path in out.iterdir())
    assert any(name.endswith(".wav") for name in names), names
    return ", ".join(names)


def batch(place: Place) -> str:
    """Two frames by two workers: each is the app's own program once more."""
    frames, out = place.work / "frames", place.work / "batch"
    for folder in (frames, out):
        shutil.rmtree(folder, ignore_errors=True)
    frames.mkdir()
    demo_folder = place.frozen / "_internal" / "sounddesk" / "_resources" / "demo"
    for number, picture in enumerate(("meadow/scene.jpg", "shore/scene.jpg"), start=1):
        shutil.copy(demo_folder / picture, frames / f"frame_{number:04}.jpg")
    place.run(
        "sounddesk", "batch", place.inside(frames), "--auto", "--seconds", "2", "--workers", "2",
        "--out", place.inside(out),
    )  # fmt: skip
    sounds = list(out.rglob("*.wav"))
    assert len(sounds) >= 2, sorted(out.rglob("*"))
    return f"{len(sounds)} sounds of 2 frames by 2 workers"


def library(place: Place) -> str:
    """Recordings that are taken in, scanned and found: those of the demo."""
    folder = place.work / "recordings"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(place.work / "demo", folder, ignore=shutil.ignore_patterns("*.json", "*.png", "masks"))
    place.run("sounddesk", "library", "add", place.inside(folder))
    place.run("sounddesk", "library", "scan")
    found = place.run("sounddesk", "library", "search", "duck")
    assert "duck" in found, found
    return f"{len(list(folder.glob('*.wav')))} recordings scanned, one found by a word"


def movie(place: Place) -> str:
    """The first frame of a film in H.264, whose encoder the app need not have."""
    import av
    from PIL import Image

    film, out = place.work / "film.mov", place.work / "film"
    shutil.rmtree(out, ignore_errors=True)
    demo_folder = place.frozen / "_internal" / "sounddesk" / "_resources" / "demo"
    with Image.open(demo_folder / "shore" / "scene.jpg") as picture:
        still = picture.convert("RGB").resize((640, 480))
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *still.size, "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_image(still)))
        container.mux(stream.encode())
    place.run(
        "sounddesk", "batch", place.inside(film), "--every", "5", "--auto", "--seconds", "1", "--workers", "1",
        "--out", place.inside(out),
    )  # fmt: skip
    sounds = list(out.rglob("*.wav"))
    assert sounds, sorted(out.rglob("*"))
    return f"{len(sounds)} sounds of a frame of a film in H.264"


def study(place: Place) -> str:
    """A listening study that is made, and served until Ctrl-C."""
    folder = place.work / "study"
    shutil.rmtree(folder, ignore_errors=True)
    sounds = sorted(path for path in (place.work / "demo").glob("*.wav") if path.stem not in ("mix", "blend"))
    rows = [{"id": each.stem, "caption": each.stem, "image": "scene.jpg", "object": each.stem} for each in sounds]
    for system in ("one", "other"):
        shutil.copytree(place.work / "demo", folder / system, ignore=shutil.ignore_patterns("*.json", "masks"))
    demo_folder = place.frozen / "_internal" / "sounddesk" / "_resources" / "demo"
    shutil.copy(demo_folder / "shore" / "scene.jpg", folder)
    (folder / "clips.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    systems = [f"{name}={place.inside(folder / name)}" for name in ("one", "other")]
    made = place.inside(folder / "made")
    manifest = place.inside(folder / "clips.jsonl")
    place.run(
        "sounddesk", "study", "new", *systems, "--manifest", manifest, "--out", made, "--clips", "2", "--controls", "1"
    )
    command = place.command("sounddesk", "study", "serve", made, "--host", "127.0.0.1", "--port", "0")
    with subprocess.Popen(command, env=place.environment(), stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            with urllib.request.urlopen(address, timeout=60) as answer:
                first_page = answer.read().decode()
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=60)
    assert "<form" in first_page, first_page[:500]
    return f"served, and ended with {server.returncode} by Ctrl-C"


def addon(place: Place, folder: Path) -> str:
    """The add-on for graphics cards: used after it was installed, and given up when its folder is gone."""
    inside = place.work / "addon"
    shutil.rmtree(inside, ignore_errors=True)
    subprocess.run(["cp", "-al", str(folder), str(inside)], check=True)
    place.run("sounddesk", "addon", "install", place.inside(inside))
    used = place.run("sounddesk", "doctor")
    for each in (f"add-on in {place.inside(inside)}", "rendering works here"):
        assert each in used, used
    demo_folder = place.work / "demo-by-addon"
    place.run("sounddesk", "demo", "--quiet", "--out", place.inside(demo_folder))
    shutil.rmtree(inside)
    gone = place.run("sounddesk", "doctor")
    for each in ("computing on the processor", "rendering works here"):
        assert each in gone, gone
    place.run("sounddesk", "addon", "remove")
    device = next(line.strip() for line in used.splitlines() if line.strip().startswith("device:"))
    return f"renders with {device}; without its folder the app's own torch, and says so"


def crash(place: Place) -> str:
    """A window that is killed by a fault leaves a report that names it."""
    said = place.run("sounddesk", "render", "nowhere.png", "--auto", expect=2)
    assert "does not exist" in said, said
    assert "Traceback" not in said, said
    state = place.work / "home" / ".local" / "state" / "sounddesk"
    for old in state.glob("crash-*.txt"):
        old.unlink()

    def fault(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGSEGV)
        process.wait(_WINDOW_S)

    _with_window(place, fault)
    reports = [path for path in state.glob("crash-*.txt") if "Fatal Python error" in path.read_text(encoding="utf-8")]
    assert reports, sorted(state.iterdir())
    return f"{reports[0].name} names the fault; a wrong argument is told in a sentence"


def window(place: Place, screenshot: Path | None) -> str:
    took: list[float] = []

    def look(_process: subprocess.Popen[bytes]) -> None:
        took.append(time.monotonic())
        time.sleep(4)
        if screenshot is not None:
            _shoot(screenshot)

    began = time.monotonic()
    _with_window(place, look)
    return f"shown after {took[0] - began:.1f} s" + (f", {screenshot}" if screenshot else "")


def _with_window(place: Place, act: Callable[[subprocess.Popen[bytes]], None]) -> None:
    """Start the window on a screen of its own, wait until it is there, act, and end it."""
    if place.root is not None and not (place.root / "usr" / "share" / "fonts" / "truetype").exists():
        subprocess.run(
            [_CHROOT, str(place.root), "apt-get", "install", "-yqq", "--no-install-recommends", *_FOR_THE_WINDOW],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"},
        )  # fmt: skip
    server = subprocess.Popen(
        ["Xvfb", _DISPLAY, "-screen", "0", "1280x800x24", "-nolisten", "tcp"], stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(1.5)
        environment = place.environment(DISPLAY=_DISPLAY, QT_QPA_PLATFORM="xcb")
        process = subprocess.Popen(place.command("sounddesk-desk"), env=environment, stderr=subprocess.PIPE)
        try:
            until = time.monotonic() + _WINDOW_S
            found = ["xdotool", "search", "--onlyvisible", "--name", "sounddesk"]
            while subprocess.run(
                found, check=False, env={**os.environ, "DISPLAY": _DISPLAY}, capture_output=True
            ).returncode:
                if process.poll() is not None or time.monotonic() > until:
                    process.kill()
                    _, errors = process.communicate()
                    raise RuntimeError(f"no window: {errors.decode(errors='replace')[-2000:]}")
                time.sleep(0.05)
            act(process)
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(20)
    finally:
        server.terminate()
        server.wait(10)


def _shoot(path: Path) -> None:
    """A picture of the whole screen, by what ImageMagick or x11-apps brings."""
    environment = {**os.environ, "DISPLAY": _DISPLAY}
    if shutil.which("import"):
        subprocess.run(["import", "-window", "root", str(path)], env=environment, check=True)
    else:
        dump = subprocess.run(["xwd", "-root", "-silent"], env=environment, check=True, capture_output=True)
        path.with_suffix(".xwd").write_bytes(dump.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frozen", type=Path)
    parser.add_argument("--root", type=Path, help="clean root; made where it is missing")
    parser.add_argument("--installed", type=Path, help="folder of the demo that an installation rendered")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--screenshot", type=Path)
    parser.add_argument("--addon", type=Path, help="folder that packaging/addon.py made for this app: tried, too")
    parser.add_argument("--only", nargs="+", metavar="STEP", help="steps to do, e.g. demo batch; default: all")
    options = parser.parse_args()
    root: Path | None = options.root
    if root is not None and not root.exists():
        make_root(root)
    place = Place(options.frozen.resolve(), None if root is None else root.resolve())
    steps: list[tuple[str, Callable[[], str]]] = [
        ("--version", lambda: version(place)),
        ("doctor", lambda: doctor(place)),
        ("demo", lambda: demo(place, options.installed)),
        ("export", lambda: export(place)),
        ("batch", lambda: batch(place)),
        ("library", lambda: library(place)),
        ("movie", lambda: movie(place)),
    ]
    if os.name == "posix":
        # Windows knows no Ctrl-C for one process.
        steps.append(("study", lambda: study(place)))
    if options.addon is not None:
        steps.append(("addon", lambda: addon(place, options.addon)))
    if shutil.which("Xvfb") and shutil.which("xdotool"):
        steps += [("window", lambda: window(place, options.screenshot)), ("crash report", lambda: crash(place))]
    failed = False
    where = "a clean root without Python" if root is not None else "an environment without PATH, not a clean root"
    enter(place)
    try:
        for name, step in steps:
            if options.only and name not in options.only:
                continue
            try:
                place.results[name] = step()
            except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
                failed = True
                place.results[name] = f"FAILED: {error}"
            print(f"{name}: {place.results[name]}", flush=True)
    finally:
        leave(place)
    if options.report is not None:
        options.report.write_text(json.dumps({"where": where, "results": place.results}, indent=1), encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
