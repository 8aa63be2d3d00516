"""Conditions and seeds to finished sounds, whatever the conditions came from; silent takes are drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Final

from sounddesk.domain.seeds import redraw_seed
from sounddesk.engine.generation.decoding import decode_all
from sounddesk.engine.generation.denoising import Denoising
from sounddesk.engine.generation.denoising import denoise_all
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.postprocess import Sound
from sounddesk.engine.generation.postprocess import postprocess
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter

MOST_REDRAWS: Final = 3
"""A take that is silent this often again stays silent: its condition asks for it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RenderedSound:
    """A finished sound and where it is from.

    Attributes:
        sound: the samples and what the user should know of them.
        drawn_seed: that its noise came from; another one than asked for where that gave silence.
    """

    sound: Sound
    drawn_seed: int


def drawn_facts(rendered: RenderedSound, *, seed: int) -> dict[str, Any]:
    """What a recipe says beside the seed that was asked for: the one that was drawn, where it is another."""
    return {} if rendered.drawn_seed == seed else {"drawn_seed": rendered.drawn_seed}


def render_takes(
    asked: Denoising,
    networks: Networks,
    *,
    names: Sequence[str],
    on_progress: OnProgress | None,
    cancel: CancelToken | None,
) -> tuple[list[RenderedSound], tuple[str, ...]]:
    """The sound of each row, and notes on all of them.

    A silent sound is drawn again from a seed that follows from its own, so the same request still gives the same
    samples, alone or among others.

    Progress stages: 'denoise' (units: steps times takes), 'decode' (takes); both once more where takes were silent.

    Args:
        names: of the takes, for messages.

    Raises:
        EngineError: non-finite samples, or memory that is not enough for one take.
        Cancelled: through `cancel`, within one denoising step.
    """
    rendered, notes = _render(asked, networks, names=names, on_progress=on_progress, cancel=cancel)
    for attempt in range(1, MOST_REDRAWS + 1):
        silent = [index for index, each in enumerate(rendered) if each.sound.is_silent]
        if not silent:
            break
        again = replace(
            asked,
            condition=asked.condition[silent],
            null=asked.null[silent],
            seeds=tuple(redraw_seed(asked.seeds[index], attempt=attempt) for index in silent),
        )
        chosen = [names[index] for index in silent]
        redrawn, more = _render(again, networks, names=chosen, on_progress=on_progress, cancel=cancel)
        notes = tuple(dict.fromkeys((*notes, *more)))
        for index, each in zip(silent, redrawn, strict=True):
            if not each.sound.is_silent:
                rendered[index] = _noted(each, asked.seeds[index])
    return rendered, notes


def _render(
    asked: Denoising,
    networks: Networks,
    *,
    names: Sequence[str],
    on_progress: OnProgress | None,
    cancel: CancelToken | None,
) -> tuple[list[RenderedSound], tuple[str, ...]]:
    latents, notes = denoise_all(asked, networks, on_progress=on_progress, cancel=cancel)
    reporter = StageReporter(stage="decode", total=len(names), on_progress=on_progress, cancel=cancel)
    decoded = decode_all(
        latents,
        networks,
        seeds=asked.seeds,
        seconds=asked.seconds,
        conditions=asked.condition,
        reporter=reporter,
    )
    audio = networks.bundle.audio
    rendered = [
        RenderedSound(
            sound=postprocess(samples, audio=audio, seconds=asked.seconds, name=name, seed=seed), drawn_seed=seed
        )
        for name, seed, samples in zip(names, asked.seeds, decoded, strict=True)
    ]
    return rendered, notes


def _noted(rendered: RenderedSound, seed: int) -> RenderedSound:
    note = f"seed {seed} gave silence: drawn again from seed {rendered.drawn_seed}, which follows from it"
    return replace(rendered, sound=replace(rendered.sound, notes=(note, *rendered.sound.notes)))
