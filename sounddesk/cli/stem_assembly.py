"""From the engine's takes to stems as they will be written: project rate, gains, headroom, mix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Final

from sounddesk.cli.render_plan import RenderPlan
from sounddesk.cli.take_generation import TakesByName
from sounddesk.domain.errors import EngineError
from sounddesk.domain.timeline import PROJECT_RATE_HZ

if TYPE_CHECKING:
    from sounddesk.audio.files.pcm import Waveform
    from sounddesk.audio.files.pcm import WavFormat
    from sounddesk.audio.mixing import StemMix

WAV_FORMAT: Final[WavFormat] = "PCM_24"


@dataclass(frozen=True, kw_only=True, eq=False)
class Stems:
    """What is written for each take, and the gains it was written with.

    Attributes:
        gains_db: by object name; 0 where no balance was applied.
        suggested_gains_db: by object name; empty where none was looked for.
        common_gain_db: applied to everything, so that nothing clips.
        notes: what the user should know of the balance.
    """

    takes: TakesByName
    names: tuple[str, ...]
    blend_name: str | None
    gains_db: Mapping[str, float]
    suggested_gains_db: Mapping[str, float]
    common_gain_db: float
    n_samples: int
    notes: tuple[str, ...] = ()

    def mix_of_take(self, number: int) -> StemMix:
        """Stems in the order of `names`, and their sum, of the take with this number (from 0)."""
        from sounddesk.audio.mixing import mix_stems

        return mix_stems(
            [self._at_project_rate(name, number) for name in self.names],
            gains_db=[self.gains_db[name] for name in self.names],
            common_gain_db=self.common_gain_db,
            wav_format=WAV_FORMAT,
        )

    def blend_of_take(self, number: int) -> StemMix:
        """The blend alone, at the common gain."""
        from sounddesk.audio.mixing import mix_stems

        assert self.blend_name is not None
        return mix_stems(
            [self._at_project_rate(self.blend_name, number)],
            common_gain_db=self.common_gain_db,
            wav_format=WAV_FORMAT,
        )

    def _at_project_rate(self, name: str, number: int) -> Waveform:
        from sounddesk.audio.resample import resample

        take = self.takes[name][number]
        return resample(take.waveform, from_hz=take.sample_rate_hz, to_hz=PROJECT_RATE_HZ, n_samples=self.n_samples)


def assemble(plan: RenderPlan, takes: TakesByName) -> Stems:
    """Gains of a render: the recipe's where it is made again, else 0 dB or the balance, and room for the mix."""
    names = tuple(entry.name for entry in plan.scene.objects if entry.kind != "blend")
    blend_name = next((entry.name for entry in plan.scene.objects if entry.kind == "blend"), None)
    n_samples = round(plan.seconds * PROJECT_RATE_HZ)
    if plan.gains is not None:
        return Stems(
            takes=takes,
            names=names,
            blend_name=blend_name,
            gains_db=plan.gains.of_object_db,
            suggested_gains_db=plan.gains.suggested_db,
            common_gain_db=plan.gains.common_db,
            n_samples=n_samples,
        )
    suggested: Mapping[str, float] = {}
    notes: tuple[str, ...] = ()
    if blend_name is not None and plan.balance is not False:
        suggested, notes = _suggested_gains(plan, takes, blend_name=blend_name)
    gains_db = dict.fromkeys(names, 0.0)
    if plan.balance:
        gains_db.update(suggested)
    stems = Stems(
        takes=takes,
        names=names,
        blend_name=blend_name,
        gains_db=gains_db,
        suggested_gains_db=suggested,
        common_gain_db=0.0,
        n_samples=n_samples,
        notes=notes,
    )
    return replace(stems, common_gain_db=_gain_without_clipping(stems, takes=plan.takes))


def _gain_without_clipping(stems: Stems, *, takes: int) -> float:
    """The highest common gain, at most 0 dB, at which no take's stems, mix or blend clip."""
    needed_db = [stems.mix_of_take(number).needed_gain_db for number in range(takes)]
    if stems.blend_name is not None:
        needed_db += [stems.blend_of_take(number).needed_gain_db for number in range(takes)]
    return min(needed_db)


def _suggested_gains(
    plan: RenderPlan, takes: TakesByName, *, blend_name: str
) -> tuple[Mapping[str, float], tuple[str, ...]]:
    """Suggested gains at which the objects' first takes add up like the blend, and notes for the user.

    Raises:
        EngineError: the user asks for the balance and the blend gives none.
    """
    from sounddesk.audio.balance import suggest_gains

    objects = [entry.name for entry in plan.scene.objects if entry.kind == "object"]
    stems = [takes[name][0] for name in objects]
    blend = takes[blend_name][0]
    try:
        balance = suggest_gains(
            [(stem.mono, stem.sample_rate_hz) for stem in stems], (blend.mono, blend.sample_rate_hz)
        )
    except ValueError as error:
        if plan.balance:
            raise EngineError(f"no balance: {error}") from error
        return {}, (f"no balance is suggested: {error}",)
    gains_db = dict(zip(objects, balance.gains_db, strict=True))
    listed = ", ".join(f"{name} {gain_db:+.1f} dB" for name, gain_db in gains_db.items())
    return gains_db, (f"balance {'applied' if plan.balance else 'suggested (--balance applies it)'}: {listed}",)
