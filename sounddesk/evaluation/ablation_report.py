"""Our ablation table beside the paper's, and for each row whether the ordering agrees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Final

from scipy import stats

METRICS: Final = ("acc", "fad", "kl", "is", "avc")
HIGHER_IS_BETTER: Final = {"acc": True, "fad": False, "kl": False, "is": True, "avc": True}


@dataclass(frozen=True, kw_only=True)
class AblationRow:
    """One row of tables 3 to 6.

    Attributes:
        variant: what is trained for it; several rows may share one.
        paper: the paper's figures in the order of `METRICS`.
        against: the row that the paper compares it with; None for such a row itself.
        weights, guidance: at test time.
        with_terms: also measure the terms of theorem 3.1.
    """

    name: str
    label: str
    table: int
    variant: str
    paper: tuple[float, float, float, float, float]
    against: str | None
    weights: str = "mask"
    guidance: float = 2.0
    with_terms: bool = False


_OURS: Final = (0.859, 1.271, 0.517, 2.102, 0.891)
ROWS: Final[tuple[AblationRow, ...]] = (
    AblationRow(name="full", label="full model", table=3, variant="full", paper=_OURS, against=None, with_terms=True),
    AblationRow(
        name="frozen",
        label="(i) frozen diffusion",
        table=3,
        variant="frozen",
        paper=(0.692, 1.543, 1.047, 1.943, 0.733),
        against="full",
    ),
    AblationRow(
        name="multi_head",
        label="(ii) multi-head attention",
        table=3,
        variant="multi_head",
        paper=(0.415, 2.238, 1.903, 2.115, 0.887),
        against="full",
        with_terms=True,
    ),
    AblationRow(
        name="additive",
        label="(iii) additive attention",
        table=3,
        variant="additive",
        paper=(0.103, 15.747, 7.425, 1.343, 0.137),
        against="full",
        with_terms=True,
    ),
    AblationRow(
        name="attention_at_test",
        label="(iv) text-image attention at test time",
        table=3,
        variant="full",
        paper=(0.856, 1.270, 0.520, 2.097, 0.890),
        against="full",
        weights="attention",
    ),
    AblationRow(
        name="audio_query",
        label="(v) audio-image attention",
        table=3,
        variant="audio_query",
        paper=(0.634, 1.761, 1.232, 1.731, 0.692),
        against="full",
    ),
    AblationRow(
        name="mask_training",
        label="(vi) masks in training",
        table=3,
        variant="mask_training",
        paper=(0.763, 1.446, 0.742, 1.947, 0.797),
        against="full",
    ),
    AblationRow(
        name="no_position",
        label="without positional encoding",
        table=6,
        variant="no_position",
        paper=(0.787, 1.493, 0.674, 1.913, 0.779),
        against="full",
    ),
    *(
        AblationRow(
            name=f"guidance_{scale}",
            label=f"guidance {scale}",
            table=4,
            variant="full",
            paper=paper,
            against="full",
            guidance=scale,
        )
        for scale, paper in (
            (1.0, (0.413, 2.021, 0.914, 1.336, 0.674)),
            (1.5, (0.657, 1.558, 0.762, 1.617, 0.751)),
            (2.5, (0.807, 1.440, 0.589, 2.012, 0.853)),
            (3.0, (0.796, 1.482, 0.576, 2.023, 0.841)),
        )
    ),
    *(
        AblationRow(
            name=f"threshold_{value}",
            label=f"matching threshold {value}",
            table=5,
            variant=f"threshold_{value}",
            paper=paper,
            against=None if value == 0.6 else "threshold_0.6",
        )
        for value, paper in (
            (0.4, (0.521, 1.874, 0.888, 1.432, 0.696)),
            (0.5, (0.743, 1.536, 0.691, 1.625, 0.774)),
            (0.6, _OURS),
            (0.7, (0.845, 1.387, 0.612, 1.987, 0.882)),
            (0.8, (0.812, 1.501, 0.664, 2.005, 0.879)),
        )
    ),
)

Figures = Mapping[str, Any]


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean over seeds and its standard error; infinite for a single seed, which tells nothing of the spread."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, math.inf
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return mean, math.sqrt(variance / len(values))


def difference(ours: Sequence[float], reference: Sequence[float]) -> tuple[float, float, float]:
    """Mean of ours less the reference and its 95 % interval over seeds (Student), infinite for a single seed.

    Seeds pair up: both runs of a seed share scenes and noise.
    """
    mean, error = mean_and_error([a - b for a, b in zip(ours, reference, strict=True)])
    count = len(ours)
    margin = error * float(stats.t.ppf(0.975, count - 1)) if count > 1 else math.inf
    return mean, mean - margin, mean + margin


def verdict(metric: str, row: AblationRow, ours: Sequence[float], reference: Sequence[float]) -> str:
    """'agrees', 'disagrees', or 'undecided' where the interval of the `difference` holds zero."""
    index = METRICS.index(metric)
    base = next(other for other in ROWS if other.name == row.against)
    expected = row.paper[index] - base.paper[index]
    mean, low, high = difference(ours, reference)
    # So said, what is no number is undecided too.
    if not (low > 0.0 or high < 0.0):
        return "undecided"
    return "agrees" if mean * expected > 0 else "disagrees"


def by_variant(rows: Sequence[AblationRow]) -> list[AblationRow]:
    """Rows that share a trained variant one after the other, so that all that a training decides is known after it."""
    variants = [row.variant for row in rows]
    return sorted(rows, key=lambda row: variants.index(row.variant))


def report(results: Mapping[str, Sequence[Figures]]) -> dict[str, Any]:
    """All rows with means, errors, the paper's figures and verdicts.

    Args:
        results: figures of each seed by the row's name; rows may be missing.
    """
    rows = []
    for row in ROWS:
        seeds = list(results.get(row.name, ()))
        entry: dict[str, Any] = {"name": row.name, "label": row.label, "table": row.table, "seeds": len(seeds)}
        entry["paper"] = dict(zip(METRICS, row.paper, strict=True))
        entry["takes"] = sum(int(one.get("takes", 0)) for one in seeds)
        entry["ours"], entry["error"], entry["verdict"], entry["difference"] = {}, {}, {}, {}
        base = list(results.get(row.against, ())) if row.against is not None else []
        for metric in METRICS:
            values = [float(one[metric]) for one in seeds if one.get(metric) is not None]
            if not values:
                continue
            entry["ours"][metric], error = mean_and_error(values)
            entry["error"][metric] = error if math.isfinite(error) else None
            pairs = [
                (float(one[metric]), float(other[metric]))
                for one, other in zip(seeds, base, strict=False)
                if one.get(metric) is not None and other.get(metric) is not None
            ]
            if pairs:
                ours, reference = zip(*pairs, strict=True)
                entry["verdict"][metric] = verdict(metric, row, ours, reference)
                told = difference(ours, reference)
                entry["difference"][metric] = list(told) if math.isfinite(told[1]) else None
        terms = [one["terms"] for one in seeds if one.get("terms")]
        if terms:
            entry["terms"] = {key: mean_and_error([t[key] for t in terms])[0] for key in terms[0]}
        rows.append(entry)
    return {"rows": rows}


def to_markdown(data: Mapping[str, Any]) -> str:
    """The report as tables: one for each of the paper's, and one of theorem 3.1's terms."""
    lines: list[str] = []
    for table in (3, 6, 4, 5):
        lines += [f"### Table {table} of the paper", ""]
        titles = ["row", *(m.upper() for m in METRICS), "seeds, takes", "ACC less the reference's", "ordering of ACC"]
        lines += [f"| {' | '.join([*titles, 'all five'])} |", "|---|" + "---|" * len(titles)]
        for row in data["rows"]:
            if row["table"] == table:
                lines.append(_row(row))
        lines.append("")
    with_terms = [row for row in data["rows"] if row.get("terms")]
    if with_terms:
        lines += ["### Terms of theorem 3.1", ""]
        lines += ["| row | mask error | contrastive | attention error | its bound | attention to mask |"]
        lines += ["|---|---|---|---|---|---|"]
        for row in with_terms:
            terms = row["terms"]
            bound = math.sqrt(2 * terms["contrastive"])
            cells = [terms["mask_error"], terms["contrastive"], terms["attention_error"], bound]
            text = " | ".join(f"{value:.3f}" for value in (*cells, terms["attention_to_mask"]))
            lines.append(f"| {row['label']} | {text} |")
        lines.append("")
    return "\n".join(lines)


def _row(row: Mapping[str, Any]) -> str:
    cells = []
    for metric in METRICS:
        paper = f"({row['paper'][metric]:.3f})"
        if metric not in row["ours"]:
            cells.append(f"- {paper}")
            continue
        error = row["error"][metric]
        cells.append(f"{row['ours'][metric]:.3f}{'' if error is None else f' ± {error:.3f}'} {paper}")
    told = row["verdict"]
    counts = [f"{sum(v == word for v in told.values())} {word}" for word in ("agrees", "disagrees", "undecided")]
    ordering = told.get("acc", "reference" if row["seeds"] and not told else "not run")
    apart = row["difference"].get("acc")
    interval = "" if apart is None else f"{apart[0]:+.3f} ({apart[1]:+.3f} to {apart[2]:+.3f})"
    cells += [f"{row['seeds']}, {row['takes']}", interval, ordering, ", ".join(counts) if told else ""]
    return f"| {row['label']} | {' | '.join(cells)} |"
