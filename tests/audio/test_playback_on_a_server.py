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

pytestmark = pytest.mark.alone

# A process of its own, because PortAudio reads its configuration once.
_PROGRAM = """
import sys, time
import numpy as np
from sounddesk.audio.playback.playback import Playback
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


_LONG_PROGRAM = """
import sys, time
import numpy as np
from sounddesk.audio.playback.playback import Playback
from sounddesk.audio.timeline_mix import TimelineMix
from sounddesk.domain.project import Project
from sounddesk.domain.scene import SceneObject
from sounddesk.domain.tiled_mask import TiledMask
from sounddesk.domain.timeline import Clip

lane = SceneObject(id="o", name="n", mask=TiledMask.empty(width=1, height=1), seed=0)
clip = Clip(id="c", object_id="o", take_id="t", start_s=0.0, duration_s=300.0, looped=True)
project = Project(objects=(lane,), clips=(clip,)).with_settings(timeline_s=300.0)
playback = Playback()
playback.set_mix(TimelineMix(project, lambda _take: np.full(48_000, 0.25, np.float32)))
playback.play(from_frame=0, until_frame=300 * 48_000)
while True:
    time.sleep(0.1)
    print(f"{playback.frame}|{playback.problem}", flush=True)
"""


def start_server(folder: Path) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """A PulseAudio of our own with nothing but a null sink, and the environment that plays on it."""
    socket, alsa = folder / "native", folder / "alsa.conf"
    alsa.write_text("</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n")
    environment = {
        **os.environ,
        "PULSE_RUNTIME_PATH": str(folder),
        "PULSE_SERVER": f"unix:{socket}",
        "ALSA_CONFIG_PATH": str(alsa),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    modules = (
        "module-null-sink sink_name=null rate=48000 format=float32le channels=2",
        f"module-native-protocol-unix socket={socket} auth-anonymous=1",
    )
    # Without real-time scheduling: the kernel kills a server that a busy machine kept waiting.
    command = ["pulseaudio", "-n", "--daemonize=no", "--realtime=no", "--high-priority=no", "--exit-idle-time=-1"]
    command += [f"--load={each}" for each in modules]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while subprocess.run(["pactl", "info"], env=environment, capture_output=True).returncode:
        assert time.monotonic() < deadline, "PulseAudio did not start"
        time.sleep(0.1)
    return process, environment


@pytest.fixture
def needs_a_server() -> None:
    """Skips where no sound server can be started."""
    needed = [name for name in ("pulseaudio", "parec", "pactl") if shutil.which(name) is None]
    plugins = list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
    if needed or not plugins:
        pytest.skip(f"no sound server to play on: {', '.join(needed) or 'the ALSA plug-in for PulseAudio'} is missing")


@pytest.fixture
def server(tmp_path: Path, needs_a_server: None) -> Iterator[dict[str, str]]:
    """The environment of a server that runs."""
    process, environment = start_server(tmp_path)
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


def _share_heard(mix: np.ndarray, heard: np.ndarray) -> float:
    """How many blocks of 25 ms of the mix are in the recording, sample for sample."""
    size = 1 << int(np.ceil(np.log2(len(heard) + 1200)))
    spectrum = np.fft.rfft(heard[:, 1], size)
    found = []
    # The clip sounds from 0.1 to 0.9 s; each block of noise fits one place only.
    for start in range(6000, 42_000, 1200):
        block = mix[start : start + 1200]
        lag = int(np.fft.irfft(spectrum * np.conj(np.fft.rfft(block[:, 1], size)), size).argmax())
        there = heard[lag : lag + 1200]
        found.append(len(there) == 1200 and float(np.abs(there - block).max()) < 1e-5)
    return float(np.mean(found))


@pytest.mark.slow
def test_the_server_hears_what_the_export_writes(server: dict[str, str], tmp_path: Path) -> None:
    shares: list[float] = []
    # A busy machine makes server, player or recorder miss a block now and then; what is wrong is wrong throughout.
    while len(shares) < 4 and not (shares and shares[-1] == 1.0):
        mix, heard = _play_and_record(server, tmp_path)
        assert np.abs(mix).max() > 0.1
        shares.append(_share_heard(mix, heard))
    assert max(shares) >= 0.7, f"shares of the mix heard in {len(shares)} attempts: {shares}"


@pytest.mark.slow
def test_a_device_that_was_lost_is_found_again_while_playing(tmp_path: Path, needs_a_server: None) -> None:
    process, environment = start_server(tmp_path)
    player = subprocess.Popen(
        [sys.executable, "-c", _LONG_PROGRAM],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
    )
    assert player.stdout is not None
    frames: list[int] = []

    def read_until(problem: bool) -> None:
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            assert player.stdout is not None
            frame, _, text = player.stdout.readline().rstrip().partition("|")
            frames.append(int(frame))
            if bool(text) == problem and len(frames) > 5:
                return
        raise AssertionError(f"problem={problem} was waited for in vain")

    try:
        read_until(problem=False)
        process.kill()
        process.wait(timeout=10)
        read_until(problem=True)
        process, _ = start_server(tmp_path)
        read_until(problem=False)
        before = frames[-1]
        for _ in range(10):
            read_until(problem=False)
        assert frames[-1] > before
        # The position never jumped back, and not ahead by more than what lay in the ring.
        steps = np.diff(frames)
        assert steps.min() >= -512
    finally:
        player.kill()
        player.wait(timeout=10)
        process.kill()
        process.wait(timeout=10)


# A device that takes no other rate than 44.1 kHz, as PortAudio reports it.
_OTHER_RATE: str = """
import sounddevice
real = sounddevice.OutputStream

def picky(*, samplerate, **options):
    if samplerate != 44_100:
        raise sounddevice.PortAudioError("Error opening OutputStream: Invalid sample rate [PaErrorCode -9997]", -9997)
    return real(samplerate=samplerate, **options)

sounddevice.OutputStream = picky
"""


def test_a_device_that_refuses_48_khz_is_opened_at_its_own_rate(server: dict[str, str], tmp_path: Path) -> None:
    program = _OTHER_RATE + _PROGRAM
    played = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "mix.npy")], env=server, capture_output=True, text=True
    )
    assert played.stdout.strip() == "played", played.stdout + played.stderr


# A thread that computes in Python without a pause, as a generation's one thread does in its worst moments, while a
# timeline plays. With two of them a dropout may be heard, with four the sound breaks off: all wait for Python's lock.
_BUSY_PROGRAM = (
    _LONG_PROGRAM.partition("while True")[0]
    + """
import threading
sys.setswitchinterval(0.001)
stop = threading.Event()
def compute():
    while not stop.is_set():
        sum(range(20_000))
while playback.frame < 4_800:
    time.sleep(0.05)
before, frame = playback.dropouts, playback.frame
threading.Thread(target=compute, daemon=True).start()
time.sleep(4)
stop.set()
print(playback.dropouts - before, playback.frame - frame, playback.problem)
playback.close()
"""
)


@pytest.mark.slow
def test_playing_goes_on_while_another_thread_computes(server: dict[str, str]) -> None:
    found: list[list[str]] = []
    # Another program may take every core for a while; what our own threads do to the sound, they do every time.
    while len(found) < 3 and not (found and found[-1][0] == "0"):
        played = subprocess.run([sys.executable, "-c", _BUSY_PROGRAM], env=server, capture_output=True, text=True)
        found.append(played.stdout.split())
        assert len(found[-1]) == 2, played.stdout + played.stderr
    assert found[-1][0] == "0", f"dropouts and frames in each attempt: {found}"
    assert int(found[-1][1]) > 3 * 48_000
