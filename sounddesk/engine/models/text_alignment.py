"""A map between the spaces of two encoders, fitted in closed form on texts that both of them read.

The condition of AudioLDM lives in CLAP's text space, and CLIP puts images and texts into one space. A map from CLIP's
space to CLAP's that is fitted on texts therefore takes images over too, once the constant distance between CLIP's
images and texts ('modality gap', Liang et al. 2022) is taken out by centring each on its own mean. It is the idea of
the cross-modal projection in SSV2A (a row of the paper's table 1), without its training.

The map is ridge regression (Hoerl and Kennard 1970) on the centred vectors and on random GELU features of them (an
extreme learning machine, Huang et al. 2006), so nothing is iterated and the same texts give the same map.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch import nn

STRENGTHS: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Ridge penalties that are tried, in units of the features' mean variance."""

_HELD_OUT_SHARE: Final = 0.2
_FIRST: Final = 5
# The weights of the random features are drawn at this spread, so that most units are neither flat nor linear.
_FEATURE_SPREAD: Final = 2.0


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """How often the right one of several vectors is the nearest to a predicted one.

    Attributes:
        trials: predictions.
        among: vectors to choose from.
        first, first_five: share of trials in which a right one is the nearest, or among the five nearest.
    """

    trials: int
    among: int
    first: float
    first_five: float

    @property
    def chance(self) -> float:
        """`first` of a guess, where one of `among` is right."""
        return 1.0 / max(1, self.among)

    def text(self) -> str:
        return f"{self.first:.3f} first, {self.first_five:.3f} among five, of {self.among}"


@dataclass(frozen=True, kw_only=True, eq=False)
class TextAlignment:
    """A fitted map.

    Attributes:
        source_mean: float32[S], taken from what is mapped.
        target_mean: float32[T], added to what comes out.
        source_norm: mean length of the centred source texts.
        linear: float32[S, T].
        feature_weight, feature_bias: float32[H, S], float32[H] of the GELU features; H may be 0.
        residual: float32[H, T], what the features add.
    """

    source_mean: Tensor
    target_mean: Tensor
    source_norm: float
    linear: Tensor
    feature_weight: Tensor
    feature_bias: Tensor
    residual: Tensor

    def map_centred(self, centred: Tensor) -> Tensor:
        """Source vectors float[N, S] without their mean, of about `source_norm` -> unit vectors float32[N, T]."""
        features = nn.functional.gelu(centred @ self.feature_weight.T + self.feature_bias)
        return nn.functional.normalize(centred @ self.linear + features @ self.residual + self.target_mean, dim=-1)

    def map_texts(self, source: Tensor) -> Tensor:
        """Vectors of the source's text encoder float[N, S] -> unit vectors float32[N, T]."""
        return self.map_centred(source - self.source_mean)


@dataclass(frozen=True, kw_only=True)
class AlignmentReport:
    """What was held out while the map's strength was chosen.

    Attributes:
        texts, things: pairs and things that the map is fitted on.
        held_out: of things left out whole, by the map.
        nearest_word: the same by the target vector of the nearest known source vector, which is no map at all.
        strength: the penalty that was chosen.
        features: whether the random features helped; without them the map is linear.
    """

    texts: int
    things: int
    held_out: Retrieval
    nearest_word: Retrieval
    strength: float
    features: int


def fit_alignment(
    source: Tensor, target: Tensor, things: Sequence[Hashable], *, features: int = 0, seed: int = 0
) -> tuple[TextAlignment, AlignmentReport]:
    """Fit the map from `source` to `target`; penalty and use of the random features are chosen on held-out things.

    Args:
        source, target: unit vectors float32[N, S] and float32[N, T] of the same N texts.
        things: N names; texts of one thing are held out together.
        features: number of random features to try beside the linear map.
        seed: of the held-out things and the random features.

    Raises:
        ValueError: fewer than ten things, or numbers of vectors that differ.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> source = torch.nn.functional.normalize(torch.randn(200, 8, generator=generator), dim=-1)
        >>> alignment, report = fit_alignment(source, source.flip(-1), range(200))
        >>> report.held_out.first > 0.9
        True
    """
    if not len(source) == len(target) == len(things):
        raise ValueError(f"{len(source)} source vectors, {len(target)} targets, {len(things)} things: give as many")
    first_of: dict[Hashable, int] = {}
    for index, thing in enumerate(things):
        first_of.setdefault(thing, index)
    distinct = list(first_of)
    if len(distinct) < 10:
        raise ValueError(f"{len(distinct)} things are too few to hold some out: give at least 10")
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(distinct), generator=generator).tolist()
    out = {distinct[index] for index in order[: max(2, round(_HELD_OUT_SHARE * len(distinct)))]}
    is_out = torch.tensor([thing in out for thing in things])
    weight, bias = _random_features(source - source.mean(dim=0), features, generator)
    best: tuple[float, float, int] | None = None
    for count in dict.fromkeys((0, features)):
        for strength in STRENGTHS:
            tried = _fit(source[~is_out], target[~is_out], weight[:count], bias[:count], strength=strength)
            cosine = float((tried.map_texts(source[is_out]) * target[is_out]).sum(dim=-1).mean())
            if best is None or cosine > best[0]:
                best = cosine, strength, count
    assert best is not None
    _, strength, count = best
    tried = _fit(source[~is_out], target[~is_out], weight[:count], bias[:count], strength=strength)
    centre = target.mean(dim=0)
    # Several texts of a thing would be each other's wrong answers.
    candidates = target[list(first_of.values())]
    place = {thing: index for index, thing in enumerate(distinct)}
    wanted = [place[thing] for thing, held in zip(things, is_out.tolist(), strict=True) if held]
    nearest = (
        nn.functional.normalize(source[is_out] - tried.source_mean, dim=-1)
        @ nn.functional.normalize(source[~is_out] - tried.source_mean, dim=-1).T
    )
    report = AlignmentReport(
        texts=len(things),
        things=len(distinct),
        held_out=retrieve(tried.map_texts(source[is_out]), candidates, wanted, centre=centre),
        nearest_word=retrieve(target[~is_out][nearest.argmax(dim=-1)], candidates, wanted, centre=centre),
        strength=strength,
        features=count,
    )
    return _fit(source, target, weight[:count], bias[:count], strength=strength), report


def fit_linear(source: Tensor, target: Tensor, *, strength: float) -> TextAlignment:
    """The map without random features at a penalty that is known already; arguments as in `fit_alignment`."""
    width = source.shape[1]
    return _fit(source, target, torch.zeros(0, width), torch.zeros(0), strength=strength)


def retrieve(predicted: Tensor, candidates: Tensor, wanted: Sequence[int], *, centre: Tensor) -> Retrieval:
    """How often the wanted candidate is the nearest by cosine.

    Args:
        predicted: float[N, T].
        candidates: float[M, T].
        wanted: N indices into the candidates.
        centre: float[T], taken from both, since what all texts have in common says nothing.
    """
    here = nn.functional.normalize(predicted - centre, dim=-1)
    there = nn.functional.normalize(candidates - centre, dim=-1)
    similar = here @ there.T
    right = similar.gather(1, torch.tensor(list(wanted), dtype=torch.int64)[:, None])
    rank = (similar > right).sum(dim=-1)
    return Retrieval(
        trials=len(rank),
        among=len(candidates),
        first=float((rank == 0).float().mean()),
        first_five=float((rank < _FIRST).float().mean()),
    )


def ridge(inputs: Tensor, outputs: Tensor, *, strength: float) -> Tensor:
    """The matrix float32[S, T] with the least squared error plus `strength` times the inputs' mean variance a weight.

    Solved in double precision; inputs float[N, S] and outputs float[N, T] are centred by the caller.
    """
    x, y = inputs.double(), outputs.double()
    gram = x.T @ x / len(x)
    penalty = strength * float(gram.diagonal().mean()) + 1e-12
    solved = torch.linalg.solve(gram + penalty * torch.eye(len(gram), dtype=torch.float64), x.T @ y / len(x))
    return solved.float()


def _random_features(centred: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    width = centred.shape[1]
    weight = torch.randn(count, width, generator=generator)
    norm = float(centred.norm(dim=-1).mean())
    return weight * _FEATURE_SPREAD / max(norm, 1e-6), torch.randn(count, generator=generator)


def _fit(source: Tensor, target: Tensor, weight: Tensor, bias: Tensor, *, strength: float) -> TextAlignment:
    source_mean, target_mean = source.mean(dim=0), target.mean(dim=0)
    centred = source - source_mean
    norm = float(centred.norm(dim=-1).mean())
    features = nn.functional.gelu(centred @ weight.T + bias)
    feature_mean = features.mean(dim=0)
    # One penalty for both: the features are brought to the spread of the vectors.
    spread = _spread(features - feature_mean) / max(_spread(centred), 1e-12) if len(weight) else 1.0
    inputs = torch.cat([centred, (features - feature_mean) / spread], dim=-1)
    solved = ridge(inputs, target - target_mean, strength=strength)
    linear, residual = solved[: centred.shape[1]], solved[centred.shape[1] :] / spread
    return TextAlignment(
        source_mean=source_mean,
        target_mean=target_mean - feature_mean @ residual,
        source_norm=norm,
        linear=linear,
        feature_weight=weight,
        feature_bias=bias,
        residual=residual,
    )


def _spread(centred: Tensor) -> float:
    return math.sqrt(float(centred.pow(2).mean()))
