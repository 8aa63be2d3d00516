"""All lanes and their mix at once, block by block: memory depends on the block, not on the length."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import Executor
from concurrent.futures import Future
from concurrent.futures import wait
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from sounddesk.audio.exporters.audio_file_writer import AudioFileWriter
from sounddesk.audio.exporters.resampling_reader import ResamplingReader
from sounddesk.audio.exporters.resampling_reader import channels_of
from sounddesk.audio.exporters.resampling_reader import file_channels
from sounddesk.audio.files.sample_format import Channels
from sounddesk.audio.files.sample_format import SampleFormat
from sounddesk.audio.metering.loudness import LoudnessMeter
from sounddesk.audio.timeline_mix import TimelineMix

# Whole steps of the loudness meter and whole rows of its filter, so that neither has to keep and copy a rest.
BLOCK_FRAMES: Final = 122_880
# Lanes are summed in groups of this size, whatever the number of threads, so that float sums come out the same.
_GROUP: Final = 8
# What is the same in all channels is summed once.
_ALL: Final = -1

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class LaneOutput:
    """One lane on its way.

    Attributes:
        reader: its sound with the curves of its strip, before the constant gains.
        gains: left and right of its strip, for the mix.
        stem_reader: its sound for its stem, where that is another one: before the fader a stem has no curves.
        stem_gains: left and right of its stem.
        writer, sample_format: of its stem; None where only the mix wants it.
    """

    reader: ResamplingReader
    gains: tuple[float, float]
    stem_gains: tuple[float, float]
    stem_reader: ResamplingReader | None = None
    writer: AudioFileWriter | None = None
    sample_format: SampleFormat | None = None


class StemRenderer:
    """Renders lanes into stems and a mix.

    The mix is the sum of the stems as written, to the last bit, where `sums_stems` says so (and no stem clips);
    otherwise the sum of the lanes after master fader and limiter.
    """

    def __init__(
        self,
        timeline: TimelineMix,
        lanes: Sequence[LaneOutput],
        *,
        frames: int,
        n_channels: int,
        gain: float,
        sums_stems: bool,
        executor: Executor,
    ) -> None:
        """`gain`: amplitude of everything, after the master."""
        self._timeline = timeline
        self._lanes = lanes
        self._frames = frames
        self._n_channels = n_channels
        self._gain = gain
        self._sums_stems = sums_stems
        self._executor = executor

    def measure(self, meter: LoudnessMeter, *, step: Callable[[int], None]) -> None:
        """Feed the mix to a meter and write nothing."""

        def take(total: Float64) -> None:
            mixed = self._mixed(total)
            meter.push(np.stack(mixed, axis=1))

        self._run(take, step=step)

    def write(self, mix: AudioFileWriter | None, sample_format: SampleFormat, *, step: Callable[[int], None]) -> None:
        """Write the stems, and the mix where there is one to write."""

        def take(total: Float64) -> None:
            assert mix is not None
            if self._sums_stems:
                mix.write(tuple(channel.astype(np.float32) for channel in total))
            else:
                mix.write(sample_format.from_channels([channel * self._gain for channel in self._mixed(total)]))

        self._run(take if mix is not None else None, step=step)

    def _run(self, take: Callable[[Float64], None] | None, *, step: Callable[[int], None]) -> None:
        groups = [self._lanes[i : i + _GROUP] for i in range(0, len(self._lanes), _GROUP)]
        behind: Future[None] | None = None
        rendering: list[Future[Float64 | None]] = []
        try:
            for done in range(0, self._frames, BLOCK_FRAMES):
                step(done)
                count = min(BLOCK_FRAMES, self._frames - done)
                work = partial(self._group, count=count, summed=take is not None)
                rendering = [self._executor.submit(work, group) for group in groups]
                total: Float64 | None = None
                for each in (future.result() for future in rendering):
                    total = each if total is None or each is None else total + each
                # The mix of a block is written while the next block is rendered.
                if behind is not None:
                    behind.result()
                if take is not None and total is not None:
                    behind = self._executor.submit(take, total)
            if behind is not None:
                behind.result()
        finally:
            # Whoever closes the files after an error must not close them under a thread that writes.
            wait(rendering)
            wait([] if behind is None else [behind])
        step(self._frames)

    def _group(self, lanes: Sequence[LaneOutput], *, count: int, summed: bool) -> Float64 | None:
        """Render a block of some lanes; their sum float64[channels, n], in steps or in samples."""
        sums: dict[int, Float64] = {}
        frames = 0

        def add(channel: int, sound: npt.NDArray[np.float32]) -> None:
            if channel in sums:
                sums[channel] += sound
            else:
                sums[channel] = sound.astype(np.float64)

        for lane in lanes:
            sound = lane.reader.next(count)
            frames = len(sound)
            channels: Channels = ()
            if lane.writer is not None:
                assert lane.sample_format is not None
                own = sound if lane.stem_reader is None else lane.stem_reader.next(count)
                left, right = (gain * self._gain for gain in lane.stem_gains)
                channels = file_channels(lane.sample_format, own, (left, right), n_channels=self._n_channels)
            if summed:
                added = channels if self._sums_stems else tuple(channels_of(sound, lane.gains))
                if all(channel is added[0] for channel in added):
                    add(_ALL, added[0])
                else:
                    for number, channel in enumerate(added):
                        add(number, channel)
            if lane.writer is not None:
                lane.writer.write(channels)
        if not summed:
            return None
        total = np.zeros((self._n_channels if self._sums_stems else 2, frames))
        for number, row in enumerate(total):
            for part in (number, _ALL):
                if part in sums:
                    row += sums[part]
        return total

    def _mixed(self, total: Float64) -> tuple[npt.NDArray[np.float32], ...]:
        """Samples of the mix after the master."""
        stereo = self._timeline.master([total.T], total.shape[1])
        left, right = stereo[:, 0], stereo[:, 1]
        return (left, right) if self._n_channels == 2 else ((left + right) / np.float32(2.0),)
