"""Training steps per second from cached encodings against a plain loop that decodes and encodes every batch.

python -m benchmarks.cached_training [--clips 12] [--steps 4]

Both train the same model of the starter bundle on the same videos (1280 x 720, 30 frames a second, H.264 with a key
frame every 250, 10 s) with the same step; the plain loop reads each clip's random frame and sound from its file and
runs image encoder, text encoder and codec for every batch. They take turns, so that a busy machine is busy for both.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import torch

from sounddesk.training.clips.clip_cache import encode_clip
from sounddesk.training.clips.clip_manifest import ClipSource
from sounddesk.training.clips.media_reader import read_clip
from sounddesk.training.loop.training_task import Batch
from sounddesk.training.tasks.fine_tuning.fine_tune_recipe import FineTuneModelRecipe
from sounddesk.training.tasks.fine_tuning.fine_tune_task import FineTuneTask

FPS, RATE_HZ, VIDEO_S = 30, 48_000, 10.0


def write_clip(path: Path, *, seconds: float, seed: int) -> None:
    """A moving texture with noise, so that the decoder has something to do, and a tone."""
    rng = np.random.default_rng(seed)
    texture = rng.integers(0, 256, (90, 160, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tone = (0.3 * np.sin(2 * np.pi * rng.uniform(200, 2000) * time_s)).astype(np.float32)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"g": "250", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for index in range(round(seconds * FPS)):
            picture = np.roll(texture, 4 * index, axis=1)
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


class Stepper:
    """One optimiser step on a batch, as the loop makes it."""

    def __init__(self, task: FineTuneTask) -> None:
        self.task = task
        self.optimiser = torch.optim.AdamW([p for p in task.module.parameters() if p.requires_grad], fused=True)

    def step(self, batch: Batch) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, _ = self.task.loss_of(batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()


def plain_batch(task: FineTuneTask, clips: list[ClipSource], rng: np.random.Generator, batch_size: int) -> Batch:
    """A batch straight from the files."""
    encoders = task.plain_encoders  # type: ignore[attr-defined]
    seconds = task.recipe.seconds
    rate_hz = encoders.spec.mel.sample_rate_hz
    rows = []
    for index in rng.integers(len(clips), size=batch_size):
        clip = clips[int(index)]
        moment_s = float(rng.uniform(0, seconds))
        media = read_clip(clip, seconds=seconds, sample_rate_hz=rate_hz, frame_times_s=(moment_s,))
        rows.append(encode_clip(clip, media, encoders, seconds=seconds))
    mean = torch.stack([row["latent_mean"].float() for row in rows])
    clean = mean.transpose(2, 3).contiguous()
    return {
        "clean": clean,
        "noise": torch.randn_like(clean),
        "timesteps": torch.randint(1000, (batch_size,)),
        "text": torch.stack([row["text"] for row in rows]),
        "patches": torch.stack([row["patches"][0].float() for row in rows]),
        "dropped": torch.rand(batch_size) < 0.1,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clips", type=int, default=12)
    arguments.add_argument("--steps", type=int, default=4, help="measured of each, after one to warm up")
    arguments.add_argument("--batch-size", type=int, default=16)
    arguments.add_argument("--seconds", type=float, default=10.0, help="length of a training example")
    arguments.add_argument("--frozen", action="store_true", help="train the grounding and the branches alone")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for index in range(options.clips):
            write_clip(folder / f"clip{index}.mp4", seconds=VIDEO_S, seed=index)
            (folder / f"clip{index}.txt").write_text(f"a machine humming in place {index}")
        recipe = FineTuneModelRecipe(seconds=options.seconds, frames_per_clip=2, train_unet=not options.frozen)
        began_s = time.monotonic()
        task = FineTuneTask(recipe, data_dir=folder, cache_dir=folder / "cache", seed=0)
        print(f"encoding {options.clips} clips once took {time.monotonic() - began_s:.1f} s")
        task.plain_encoders = task.encoders()  # type: ignore[attr-defined]
        clips, stepper = list(task.cache.clips), Stepper(task)
        spent_s = {"cached": 0.0, "plain": 0.0}
        for step in range(options.steps + 1):
            for way in spent_s:
                rng = np.random.default_rng(step)
                began_s = time.monotonic()
                if way == "cached":
                    stepper.step(task.draw(rng, options.batch_size, step=step))
                else:
                    stepper.step(plain_batch(task, clips, rng, options.batch_size))
                if step:
                    spent_s[way] += time.monotonic() - began_s
    rates = {way: options.steps / seconds for way, seconds in spent_s.items()}
    print(f"steps per second: {rates['cached']:.3f} cached, {rates['plain']:.3f} plain")
    print(f"{rates['cached'] / rates['plain']:.1f} times")


if __name__ == "__main__":
    main()
