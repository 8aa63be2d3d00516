"""`sounddesk study report`: what listeners' ratings say.

Listeners who rate noise high are left out. Means have 95 % intervals over listeners; agreement is told by kappa; the
first system is tested against each other one by paired t-tests with Holm's correction, over listeners and over clips.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from sounddesk.domain.errors import BadInputError
from sounddesk.evaluation.metrics.agreement import fleiss_kappa
from sounddesk.evaluation.metrics.agreement import mean_cohen_kappa
from sounddesk.evaluation.metrics.paired_tests import holm
from sounddesk.evaluation.metrics.paired_tests import paired_t_test
from sounddesk.evaluation.metrics.paired_tests import smallest_difference
from sounddesk.evaluation.report_folder import check_report_folder
from sounddesk.evaluation.study.study_design import CONTROL
from sounddesk.evaluation.study.study_design import QUESTIONS
from sounddesk.evaluation.study.study_design import Criterion
from sounddesk.evaluation.study.study_design import StudySample
from sounddesk.evaluation.study.study_file import Answer
from sounddesk.evaluation.study.study_file import StudyFile
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.atomic_file import write_file
from sounddesk.storage.html_page import render_template

PAGE_FILE: Final = "index.html"
FIGURES_FILE: Final = "figures.json"
ANSWERS_FILE: Final = "answers.csv"
CONTROL_LIMIT: Final = 2.0
"""Listeners whose mean rating of noise is above this are left out."""
_TEMPLATE: Final = Path(__file__).with_suffix(".html")
_Ratings = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MeanRating:
    """Of one system by one criterion; `low` and `high` bound the 95 % interval over listeners, NaN with one of them."""

    value: float
    low: float
    high: float
    ratings: int

    def text(self) -> str:
        return f"{self.value:.2f}" if np.isnan(self.low) else f"{self.value:.2f} ± {self.high - self.value:.2f}"

    def to_json(self) -> dict[str, Any]:
        interval = None if np.isnan(self.low) else [self.low, self.high]
        return {"mean": self.value, "interval_95": interval, "ratings": self.ratings}


@dataclass(frozen=True, kw_only=True)
class RatingTest:
    """The first system against another by one criterion.

    Attributes:
        difference: first minus other.
        p_listeners, p_clips: two-sided, over the means of listeners and of clips, after Holm's correction over all
            systems and criteria; None with fewer than two.
        found_from: the smallest difference that as many listeners would find with a power of 0.8.
    """

    criterion: Criterion
    first: str
    other: str
    difference: float
    p_listeners: float | None
    p_clips: float | None
    found_from: float | None

    @property
    def verdict(self) -> str:
        """Which is better where both tests say so at 0.01, as the paper asks for."""
        ps = (self.p_listeners, self.p_clips)
        if any(p is None or p >= 0.01 for p in ps):
            return "not decided"
        return self.first if self.difference > 0 else self.other


@dataclass(frozen=True, kw_only=True)
class StudyReport:
    """All of it.

    Attributes:
        listeners: who began, who is counted, and who is left out and why, by number.
        kappas: by criterion: Cohen's mean over pairs of listeners, the same with quadratic weights, and Fleiss'.
        refused: posts that were not taken, by kind.
    """

    title: str
    systems: tuple[str, ...]
    began: int
    counted: tuple[int, ...]
    left_out: Mapping[int, str]
    means: Mapping[str, Mapping[Criterion, MeanRating]]
    kappas: Mapping[Criterion, tuple[float, float, float]]
    tests: tuple[RatingTest, ...]
    refused: Mapping[str, int]
    seconds_median: float
    page: str

    def line(self) -> str:
        return f"{len(self.counted)} of {self.began} listeners counted: {self.page}"

    def details(self) -> list[str]:
        told = [
            f"{system}: " + ", ".join(f"{name} {each.text()}" for name, each in rows.items())
            for system, rows in self.means.items()
        ]
        told += [
            f"kappa of {name}: {cohen:.2f} (Cohen), {weighted:.2f} (quadratic weights), {fleiss:.2f} (Fleiss)"
            for name, (cohen, weighted, fleiss) in self.kappas.items()
        ]
        told += [f"listener {number} left out: {why}" for number, why in self.left_out.items()]
        told += [f"{count} posts refused: {kind}" for kind, count in self.refused.items()]
        return told

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "systems": list(self.systems),
            "listeners": {"began": self.began, "counted": list(self.counted), "left_out": dict(self.left_out)},
            "means": {
                system: {name: each.to_json() for name, each in rows.items()} for system, rows in self.means.items()
            },
            "kappa": {
                name: {"cohen": cohen, "cohen_quadratic": weighted, "fleiss": fleiss}
                for name, (cohen, weighted, fleiss) in self.kappas.items()
            },
            "tests": [each.__dict__ | {"verdict": each.verdict} for each in self.tests],
            "refused": dict(self.refused),
            "seconds_median": self.seconds_median,
        }


@dataclass(frozen=True, kw_only=True)
class StudyRatings:
    """The ratings of those who are counted, by system and criterion; controls stand under `CONTROL`.

    Attributes:
        counted: their numbers.
        left_out: the others, and why.
    """

    means: Mapping[str, Mapping[Criterion, MeanRating]]
    counted: tuple[int, ...]
    left_out: Mapping[int, str]


def read_ratings(study: StudyFile, *, control_limit: float = CONTROL_LIMIT) -> StudyRatings:
    """What listeners said so far. Raises: BadInputError, nobody has rated anything."""
    answers = study.answers()
    if not answers:
        raise BadInputError(f"nobody has rated anything in {study.folder} yet: open it with 'sounddesk study serve'")
    counted, left_out = _counted(study, answers, limit=control_limit)
    of_counted = set(counted)
    kept = [each for each in answers if each.listener in of_counted]
    systems = [*sorted({each.system for each in study.samples.values()} - {CONTROL}), CONTROL]
    means = {name: _means(study, kept, name) for name in systems}
    return StudyRatings(means=means, counted=tuple(counted), left_out=left_out)


def report_study(study: StudyFile, out: Path, *, first: str = "", control_limit: float = CONTROL_LIMIT) -> StudyReport:
    """Read the answers of a study so far and write page, figures and table.

    Args:
        first: the system that is tested against the others; the first by name where it is ''.

    Raises:
        BadInputError: nobody has rated anything, no such system, or `out` holds other things.
        OutputError: `out` cannot be written.
    """
    ratings = read_ratings(study, control_limit=control_limit)
    answers = study.answers()
    systems = [name for name in ratings.means if name != CONTROL]
    if first and first not in systems:
        raise BadInputError(f"there is no system {first!r} in this study: choose one of {', '.join(systems)}")
    systems.sort(key=lambda name: (name != first, name))
    check_report_folder(out, marker=ANSWERS_FILE)
    of_counted = set(ratings.counted)
    kept = [each for each in answers if each.listener in of_counted]
    made = StudyReport(
        title=study.terms.title,
        systems=tuple(systems),
        began=len(study.listeners()),
        counted=ratings.counted,
        left_out=ratings.left_out,
        means={name: ratings.means[name] for name in (*systems, CONTROL)},
        kappas=_kappas(kept),
        tests=tuple(_tests(study, kept, systems)),
        refused=study.incidents(),
        seconds_median=float(np.median([each.seconds for each in answers])),
        page=str(out / PAGE_FILE),
    )
    with translate_os_errors(out, what="cannot make"):
        out.mkdir(parents=True, exist_ok=True)
    write_file(out / ANSWERS_FILE, answers_csv(study, answers, ratings.counted).encode("utf-8"))
    text = json.dumps(_finite(made.to_json()), indent=1) + "\n"
    write_file(out / FIGURES_FILE, text.encode())
    write_file(out / PAGE_FILE, _page(made).encode("utf-8"))
    return made


def answers_csv(study: StudyFile, answers: Sequence[Answer], counted: Sequence[int]) -> str:
    """Every rating as a row."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["listener", "counted", "sample", "clip", "system", "criterion", "rating", "seconds", "answered_unix_s"]
    )
    for each in answers:
        sample = study.samples[each.sample]
        writer.writerow(
            [
                each.listener,
                int(each.listener in counted),
                each.sample,
                _plain(sample.clip),
                _plain(sample.system),
                each.criterion,
                each.rating,
                f"{each.seconds:.1f}",
                f"{each.answered:.0f}",
            ]
        )
    return buffer.getvalue()


def _counted(study: StudyFile, answers: Sequence[Answer], *, limit: float) -> tuple[list[int], dict[int, str]]:
    """Who is counted, and why others are not."""
    has_controls = any(each.system == CONTROL for each in study.samples.values())
    counted: list[int] = []
    left_out: dict[int, str] = {}
    of_noise: dict[int, list[int]] = {each.listener: [] for each in answers}
    for each in answers:
        if study.samples[each.sample].system == CONTROL:
            of_noise[each.listener].append(each.rating)
    for listener, noise in sorted(of_noise.items()):
        if has_controls and not noise:
            left_out[listener] = "met no control yet"
        elif noise and float(np.mean(noise)) > limit:
            left_out[listener] = f"rated noise {float(np.mean(noise)):.2f} on average, which is over {limit:g}"
        else:
            counted.append(listener)
    return counted, left_out


def _of(study: StudyFile, answers: Sequence[Answer], system: str, criterion: Criterion) -> list[Answer]:
    return [each for each in answers if each.criterion == criterion and study.samples[each.sample].system == system]


def _means(study: StudyFile, answers: Sequence[Answer], system: str) -> dict[Criterion, MeanRating]:
    found: dict[Criterion, MeanRating] = {}
    for criterion in QUESTIONS:
        rows = _of(study, answers, system, criterion)
        if not rows:
            continue
        by_listener = list(_grouped(rows, [each.listener for each in rows]).values())
        value = float(np.mean([each.rating for each in rows]))
        margin = float("nan")
        if len(by_listener) > 1:
            error = float(np.std(by_listener, ddof=1)) / np.sqrt(len(by_listener))
            margin = error * float(stats.t.ppf(0.975, len(by_listener) - 1))
        found[criterion] = MeanRating(value=value, low=value - margin, high=value + margin, ratings=len(rows))
    return found


def _kappas(answers: Sequence[Answer]) -> dict[Criterion, tuple[float, float, float]]:
    """Over all samples, controls among them, as the paper's raters had them."""
    found: dict[Criterion, tuple[float, float, float]] = {}
    for criterion in QUESTIONS:
        rows = [each for each in answers if each.criterion == criterion]
        listeners = sorted({each.listener for each in rows})
        samples = sorted({each.sample for each in rows})
        if len(listeners) < 2:
            continue
        table = np.full((len(listeners), len(samples)), np.nan)
        row_of, column_of = ({key: place for place, key in enumerate(keys)} for keys in (listeners, samples))
        for each in rows:
            table[row_of[each.listener], column_of[each.sample]] = each.rating
        found[criterion] = (
            mean_cohen_kappa(table),
            mean_cohen_kappa(table, quadratic=True),
            fleiss_kappa(table),
        )
    return found


def _tests(study: StudyFile, answers: Sequence[Answer], systems: Sequence[str]) -> list[RatingTest]:
    first, *others = systems
    found: list[RatingTest] = []
    for other in others:
        for criterion in QUESTIONS:
            mine, theirs = (_of(study, answers, name, criterion) for name in (first, other))
            if not mine or not theirs:
                continue
            listeners = _differences(_by_listener(mine), _by_listener(theirs))
            clips = _differences(_by_clip(study.samples, mine), _by_clip(study.samples, theirs))
            known = len(listeners) >= 2
            deviation = float(np.std(listeners, ddof=1)) if known else 0.0
            difference = float(np.mean([each.rating for each in mine]) - np.mean([each.rating for each in theirs]))
            found.append(
                RatingTest(
                    criterion=criterion,
                    first=first,
                    other=other,
                    difference=difference,
                    p_listeners=_p(listeners),
                    p_clips=_p(clips),
                    found_from=smallest_difference(deviation=deviation, pairs=len(listeners)) if known else None,
                )
            )
    listeners_p, clips_p = (_corrected([getattr(each, name) for each in found]) for name in ("p_listeners", "p_clips"))
    return [replace(each, p_listeners=p, p_clips=q) for each, p, q in zip(found, listeners_p, clips_p, strict=True)]


def _corrected(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's correction of those that there are."""
    known = iter(holm([p for p in ps if p is not None]))
    return [None if p is None else next(known) for p in ps]


def _by_listener(rows: Sequence[Answer]) -> dict[Any, float]:
    return _grouped(rows, [each.listener for each in rows])


def _by_clip(samples: Mapping[int, StudySample], rows: Sequence[Answer]) -> dict[Any, float]:
    return _grouped(rows, [samples[each.sample].clip for each in rows])


def _grouped(rows: Sequence[Answer], keys: Sequence[Any]) -> dict[Any, float]:
    groups: dict[Any, list[int]] = {}
    for row, key in zip(rows, keys, strict=True):
        groups.setdefault(key, []).append(row.rating)
    return {key: float(np.mean(each)) for key, each in groups.items()}


def _differences(mine: Mapping[Any, float], theirs: Mapping[Any, float]) -> _Ratings:
    """Of the groups that both have."""
    shared = sorted(set(mine) & set(theirs), key=str)
    return np.array([mine[key] - theirs[key] for key in shared], dtype=np.float64)


def _p(differences: _Ratings) -> float | None:
    return None if len(differences) < 2 else paired_t_test(differences, np.zeros(len(differences))).p


def _page(made: StudyReport) -> str:
    criteria = [name for name in QUESTIONS if any(name in rows for rows in made.means.values())]
    return render_template(
        _TEMPLATE, title=f"{made.title}: report", report=made, criteria=criteria, control=CONTROL, answers=ANSWERS_FILE
    )


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
