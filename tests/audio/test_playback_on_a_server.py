"""Playing on a real sound server: what its null sink's monitor heard is what the export writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

# A process of its own, because PortAudio reads its configuration once.
_PROGRAM = """
import sys, time
import numpy as np
from sounddesk.audio.playback import Playback
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.project import Project
from sounddesk.domain.scene import MixerStrip, SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip

noise = (np.random.default_rng(0).standard_normal(48_000) * 0.1).astype(np.float32)
lane = SceneObject(id="o", name="n", mask=TiledMask.empty(width=1, height=1), seed=0, strip=MixerStrip(pan=0.4))
clip = Clip(id="c", object_id="o", take_id="t", start_s=0.1, duration_s=0.8, fade_in_s=0.1, fade_out_s=0.1)
mix = TimelineMix(Project(objects=(lane,), clips=(clip,)), lambda _take: noise)
np.save(sys.argv[1], mix.render(0, 48_000))
playback = Playback()
playback.set_mix(mix)
playback.play(from_frame=0, until_frame=48_000)
time.sleep(2.5)
print(playback.problem or "played")
playback.close()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A PulseAudio of our own with nothing but a null sink; the environment that plays on it."""
    needed = [name for name in ("pulseaudio", "parec", "pactl") if shutil.which(name) is None]
    plugins = list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
    if needed or not plugins:
        pytest.skip(f"no sound server to play on: {', '.join(needed) or 'the ALSA plug-in for PulseAudio'} is missing")
    socket = tmp_path / "native"
    alsa = tmp_path / "alsa.conf"
    alsa.write_text("</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n")
    environment = {
        **os.environ,
        "PULSE_RUNTIME_PATH": str(tmp_path),
        "PULSE_SERVER": f"unix:{socket}",
        "ALSA_CONFIG_PATH": str(alsa),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    modules = (
        "module-null-sink sink_name=null rate=48000 format=float32le channels=2",
        f"module-native-protocol-unix socket={socket} auth-anonymous=1",
    )
    # Without real-time scheduling: the kernel kills a server that a busy machine kept waiting.
    command = [
        "pulseaudio",
        "-n",
        "--daemonize=no",
        "--realtime=no",
        "--high-priority=no",
        "--exit-idle-time=-1",
        *(f"--load={each}" for each in modules),
    ]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while subprocess.run(["pactl", "info"], env=environment, capture_output=True).returncode:
        assert time.monotonic() < deadline, "PulseAudio did not start"
        time.sleep(0.1)
    yield environment
    process.terminate()
    process.wait(timeout=10)


def _play_and_record(server: dict[str, str], folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """What should have been heard and what the sink's monitor heard of it, both `[frames, 2]`."""
    recording, mix = folder / "heard.raw", folder / "mix.npy"
    with recording.open("wb") as file:
        options = ["--rate=48000", "--channels=2", "--format=float32le", "--raw", "--latency-msec=20"]
        recorder = subprocess.Popen(["parec", "-d", "null.monitor", *options], env=server, stdout=file)
        deadline = time.monotonic() + 10
        while recording.stat().st_size == 0:
            assert time.monotonic() < deadline, "the monitor gives nothing"
            time.sleep(0.05)
        played = subprocess.run([sys.executable, "-c", _PROGRAM, str(mix)], env=server, capture_output=True, text=True)
        recorder.terminate()
        recorder.wait(timeout=10)
    assert played.stdout.strip() == "played", played.stdout + played.stderr
    return np.load(mix), np.fromfile(recording, dtype=np.float32).reshape(-1, 2)


def _largest_difference(mix: np.ndarray, heard: np.ndarray) -> float:
    """Of the samples, after the recording is aligned to the mix; infinite where nothing was heard."""
    if np.abs(heard).max(initial=0.0) <= 0.1:
        return np.inf
    size = 1 << int(np.ceil(np.log2(len(heard) + len(mix))))
    spectra = np.fft.rfft(heard[:, 1], size) * np.conj(np.fft.rfft(mix[:, 1], size))
    lag = int(np.fft.irfft(spectra, size).argmax())
    # The last few milliseconds are faded, so that the end does not click.
    whole = heard[lag : lag + 47_500]
    return float(np.abs(whole - mix[: len(whole)]).max()) if len(whole) == 47_500 else np.inf


def test_the_server_hears_what_the_export_writes(server: dict[str, str], tmp_path: Path) -> None:
    differences: list[float] = []
    # A machine that is busy for a moment makes server, player or recorder miss a block; what is wrong stays wrong.
    while len(differences) < 5 and not (differences and differences[-1] < 1e-5):
        mix, heard = _play_and_record(server, tmp_path)
        assert np.abs(mix).max() > 0.1
        differences.append(_largest_difference(mix, heard))
    assert differences[-1] < 1e-5, f"largest differences of {len(differences)} attempts: {differences}"
