"""The gallery as one HTML page: worst kinds first, with a confusion table and an index that can be filtered."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from sounddesk.audio.mel_bands import LOWEST_HZ
from sounddesk.audio.pictures.spectrogram_sheet import levels_text
from sounddesk.domain.naming import unique_file_stems
from sounddesk.evaluation.gallery.gallery_result import FIGURES_FILE
from sounddesk.evaluation.gallery.gallery_result import SPECTROGRAM_RANGE_DB
from sounddesk.evaluation.gallery.gallery_result import GalleryKind
from sounddesk.evaluation.gallery.gallery_result import GalleryRecording
from sounddesk.evaluation.gallery.gallery_result import GalleryResult
from sounddesk.evaluation.gallery.gallery_result import GalleryTake
from sounddesk.evaluation.gallery.gallery_result import HeardSound
from sounddesk.evaluation.gallery.gallery_result import Outcome
from sounddesk.evaluation.gallery.gallery_result import Ranking
from sounddesk.evaluation.metrics.confusion import ConfusedKind
from sounddesk.evaluation.metrics.proportion import Proportion
from sounddesk.storage.html_page import audio_player
from sounddesk.storage.html_page import html_page
from sounddesk.storage.html_page import picture

_OUTCOMES: Final[dict[Outcome, str]] = {
    "right": "right",
    "silent": "silent",
    "picture": "picture failed",
    "sound": "sound failed",
    "wrong": "wrong",
}

_STYLE: Final = """\
:root { --good: #1a7f37; --bad: #c62828; --line: #8884; --panel: #8881; }
@media (prefers-color-scheme: dark) { :root { --good: #5fd07a; --bad: #ff8a80; } }
[hidden] { display: none !important; }
body { max-width: 78em; }
h2 { margin-top: 2em; }
caption { text-align: left; padding-bottom: .4em; }
.bad { color: var(--bad); font-weight: 600; }
.good { color: var(--good); font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.confusions { display: flex; flex-wrap: wrap; gap: 1.5em 4em; align-items: flex-start; }
.confusions > div { overflow-x: auto; max-width: 100%; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15em 1.2em; }
dl.facts dt { opacity: .65; }
dl.facts dd { margin: 0; }
ul.index { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(15em, 1fr));
  gap: .15em 1.5em; }
.filter { display: flex; flex-wrap: wrap; gap: .6em 1.2em; align-items: center; }
.filter input[type=search] { font: inherit; padding: .3em .5em; width: 16em; max-width: 100%; }
article { border-top: 1px solid var(--line); padding: .6em 0 1.4em; }
article h3 { margin: .4em 0; font-size: 1.15em; }
.row { display: flex; flex-wrap: wrap; gap: 1em; align-items: flex-start; margin-bottom: 1em; }
figure { margin: 0; background: var(--panel); border-radius: 6px; padding: .5em; box-sizing: border-box; }
.seen { display: flex; flex-wrap: wrap; gap: .6em 1em; width: 26em; max-width: 100%; }
figure.still { flex: 1 1 11em; }
figure.sound { width: 22.5em; max-width: 100%; }
figure img { display: block; width: 100%; }
figure.still img { object-fit: contain; height: 10em; }
figcaption { overflow-wrap: anywhere; }
figure audio { width: 100%; margin: .5em 0; }
figcaption { font-size: .92em; }
table.ranking { width: 100%; font-size: .92em; }
table.ranking th, table.ranking td { padding: .15em .4em .15em 0; border: 0; }
table.ranking caption { font-weight: 600; padding: .5em 0 .1em; }
"""

_FILTER: Final = (
    '<form id="filter" class="filter" role="search" hidden>'
    '<label>Show kinds with <input type="search" id="words" autocomplete="off"> in their name</label>'
    '<label><input type="checkbox" id="failed"> only those with a failure</label>'
    '<span id="shown" role="status" class="quiet"></span></form>'
)

# Without scripts the page shows everything; the filter appears only where it works.
_SCRIPT: Final = """\
<script>
(() => {
  const form = document.getElementById("filter"), words = document.getElementById("words");
  const failed = document.getElementById("failed"), shown = document.getElementById("shown");
  const items = [...document.querySelectorAll("[data-kind]")];
  const kinds = new Set(items.map(item => item.dataset.kind)).size;
  const apply = () => {
    const wanted = words.value.trim().toLowerCase(), left = new Set();
    for (const item of items) {
      const named = item.dataset.kind.toLowerCase().includes(wanted);
      const hit = named && (!failed.checked || item.dataset.failed === "yes");
      item.hidden = !hit;
      if (hit) left.add(item.dataset.kind);
    }
    shown.textContent = `${left.size} of ${kinds} kinds shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", event => event.preventDefault());
  form.hidden = false;
  apply();
})();
</script>
"""


def gallery_page(result: GalleryResult) -> str:
    """The page as HTML. Says nothing of times, so that the same result gives the same page."""
    title = f"Gallery of {result.bundle}"
    anchors = dict(
        zip(
            [kind.name for kind in result.kinds],
            (f"kind-{stem}" for stem in unique_file_stems([kind.name for kind in result.kinds])),
            strict=True,
        )
    )
    parts = [
        '<header id="top">',
        f"<h1>{html.escape(title)}</h1>",
        _summary(result),
        "</header><main>",
        *_confusions(result, anchors),
        *_index(result.kinds, anchors),
        "<h2>Kinds, worst first</h2>",
        f"<p>{_reading(result)}</p>",
        *(_kind(kind, anchor=anchors[kind.name]) for kind in result.kinds),
        "</main>",
        _footer(result),
        _SCRIPT,
    ]
    return html_page(parts, title=title, style=_STYLE)


def _summary(result: GalleryResult) -> str:
    outcomes = result.outcomes
    failures = [
        f"{outcomes[name]} {text}" for name, text in _OUTCOMES.items() if name != "right" and outcomes.get(name)
    ]
    facts = {
        "takes heard as their kind": _share(result.heard_right, of=f"among all {result.known_kinds} kinds"),
        "pictures seen as their kind": _share(result.seen_right, of="by the condition that the denoiser gets"),
        "real recordings heard right": _share(result.recordings_right, of="what this classifier can do at best"),
        "failed": html.escape(", ".join(failures) or "none"),
        "made with": html.escape(
            f"bundle {result.bundle} ({result.bundle_sha256[:12]}), preset {result.sampling.preset}, "
            f"takes of {result.seconds:g} s, seed {result.seed}"
        ),
        "figures": f'<a href="{FIGURES_FILE}">{FIGURES_FILE}</a>',
    }
    rows = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts.items() if text)
    return f'<dl class="facts">{rows}</dl>'


def _share(proportion: Proportion | None, *, of: str) -> str:
    if proportion is None:
        return ""
    return f'<strong>{proportion.hits} of {proportion.trials}</strong> <span class="quiet">{html.escape(of)}</span>'


def _reading(result: GalleryResult) -> str:
    return (
        f"Spectrograms run over {result.seconds:g} s, from {LOWEST_HZ:g} Hz at the bottom to "
        f"{result.sample_rate_hz / 2000:g} kHz at the top on the mel scale; the brightest colour is each sound's own "
        f"loudest point, {SPECTROGRAM_RANGE_DB:g} dB above the darkest. "
        "<em>Heard</em> is what the classifier says of the sound. <em>Seen</em> is what the condition, made of the "
        "picture and the mask, is nearest to: where that is another kind, the picture failed, else the sound. "
        "A real recording that is not heard right either says more of the classifier than of the bundle."
    )


def _confusions(result: GalleryResult, anchors: dict[str, str]) -> list[str]:
    heard = _confusion(result.heard_confusion, "takes", "heard as", anchors)
    seen = _confusion(result.seen_confusion, "pictures", "seen as", anchors)
    parts = ["<h2>Who is taken for whom</h2>", '<div class="confusions">']
    parts.append(heard or '<p class="good">Every take is heard as its own kind.</p>')
    if result.seen_right is not None:
        parts.append(seen or '<p class="good">Every picture is seen as its own kind.</p>')
    return [*parts, "</div>"]


def _confusion(rows: Sequence[ConfusedKind], noun: str, verb: str, anchors: dict[str, str]) -> str:
    if not rows:
        return ""
    lines = []
    for row in rows:
        others = [f"{_link(kind, anchors)} {count}" for kind, count in row.taken_for.items()]
        others += [f"<em>silent</em> {row.silent}"] if row.silent else []
        lines.append(
            f'<tr><th scope="row">{_link(row.kind, anchors)}</th><td>{", ".join(others)}</td>'
            f'<td class="number">{row.wrong} of {row.trials}</td></tr>'
        )
    return (
        f'<div><table><caption>Wrong {noun} only</caption><thead><tr><th scope="col">kind</th>'
        f'<th scope="col">{verb}</th><th scope="col" class="number">wrong {noun}</th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _link(kind: str, anchors: dict[str, str]) -> str:
    """A kind's name, leading to it where it is on the page."""
    anchor = anchors.get(kind)
    return html.escape(kind) if anchor is None else f'<a href="#{quote(anchor)}">{html.escape(kind)}</a>'


def _index(kinds: Sequence[GalleryKind], anchors: dict[str, str]) -> list[str]:
    items = [
        f'<li {_data(kind)}>{_link(kind.name, anchors)} <span class="{_class(kind.right == len(kind.takes))}">'
        f"{_verdict(kind)}</span></li>"
        for kind in sorted(kinds, key=lambda kind: kind.name)
    ]
    return [
        '<h2 id="index">Index of kinds</h2>',
        _FILTER,
        '<nav aria-label="Kinds"><ul class="index">',
        *items,
        "</ul></nav>",
    ]


def _data(kind: GalleryKind) -> str:
    failed = "no" if kind.right == len(kind.takes) else "yes"
    return f'data-kind="{html.escape(kind.name)}" data-failed="{failed}"'


def _verdict(kind: GalleryKind) -> str:
    if len(kind.takes) == 1:
        return _OUTCOMES[kind.takes[0].outcome]
    return f"{kind.right} of {len(kind.takes)} right"


def _class(is_good: bool) -> str:
    return "good" if is_good else "bad"


def _kind(kind: GalleryKind, *, anchor: str) -> str:
    rows = []
    for take in kind.takes:
        # The recording stands beside the first take; there is one of each kind.
        real = kind.recording if take.number == 1 else None
        rows.append(f'<div class="row">{_pictures(kind, take)}{_take(kind, take)}{_recording(real)}</div>')
    return (
        f'<article id="{html.escape(anchor)}" {_data(kind)}><h3>{html.escape(kind.name)} '
        f'<span class="{_class(kind.right == len(kind.takes))}">{_verdict(kind)}</span></h3>'
        f'<p class="quiet"><q>{html.escape(kind.caption)}</q>; mean probability of the right kind '
        f'{kind.mean_probability:.2f} <a href="#index">back to the index</a></p>{"".join(rows)}</article>'
    )


def _pictures(kind: GalleryKind, take: GalleryTake) -> str:
    """Image and mask, and below them what the condition made of them is nearest to."""
    width, height = take.size
    image = picture(
        take.picture_file, alt=f"{kind.name} on a background, image {take.number}", width=width, height=height
    )
    overlay = picture(take.overlay_file, alt=f"mask of the {kind.name}: the rest is dimmed", width=width, height=height)
    seen = "" if take.own_cosine is None else _ranking(take.seen, (kind.name, take.own_cosine), "seen as", "cosine")
    return (
        f'<div class="seen"><figure class="still">{image}<figcaption>{html.escape(take.cut_out)}</figcaption></figure>'
        f'<figure class="still">{overlay}<figcaption><a href="{quote(take.mask_file)}">mask</a>, {width} x {height} '
        f"pixels</figcaption></figure>{seen}</div>"
    )


def _take(kind: GalleryKind, take: GalleryTake) -> str:
    label = f"{kind.name}, take {take.number}"
    notes = "".join(f'<br><span class="quiet">{html.escape(note)}</span>' for note in take.notes)
    return (
        f'<figure class="sound">{_sound(take.sound, label)}<figcaption>made: '
        f'<span class="{_class(take.outcome == "right")}">{_OUTCOMES[take.outcome]}</span>, '
        f"{_level(take.sound)}{notes}</figcaption>{_heard(take.sound)}</figure>"
    )


def _recording(recording: GalleryRecording | None) -> str:
    if recording is None:
        return ""
    sound = recording.sound
    return (
        f'<figure class="sound">{_sound(sound, f"real recording of {sound.kind}")}<figcaption>real: '
        f"{html.escape(recording.name)}, {_level(sound)}</figcaption>{_heard(sound)}</figure>"
    )


def _sound(sound: HeardSound, label: str) -> str:
    return picture(sound.spectrogram_file, alt=f"spectrogram: {label}") + audio_player(sound.sound_file, label=label)


def _level(sound: HeardSound) -> str:
    return html.escape(", ".join(levels_text(sound.levels).split("   ")))


def _heard(sound: HeardSound) -> str:
    if not sound.heard:
        return '<p class="bad">silent: nothing to judge</p>'
    return _ranking(sound.heard, (sound.kind, sound.probability), "heard as", "probability")


def _ranking(best: Ranking, own: tuple[str, float], caption: str, figure: str) -> str:
    """The best kinds, and below them the own kind where it is none of them."""
    ranking = best if own[0] in dict(best) else (*best, own)
    rows = "".join(
        f'<tr><th scope="row"{_mark(name == own[0])}>{html.escape(name)}</th><td class="number">{value:.2f}</td></tr>'
        for name, value in ranking
    )
    return (
        f'<table class="ranking"><caption>{caption}</caption><thead class="quiet"><tr><th scope="col">kind</th>'
        f'<th scope="col" class="number">{figure}</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _mark(is_own: bool) -> str:
    return ' class="good"' if is_own else ""


def _footer(result: GalleryResult) -> str:
    lines = []
    if result.without_picture:
        lines.append(f"Known kinds without a usable picture: {', '.join(result.without_picture)}.")
    if result.pictures.skipped_kinds:
        lines.append(f"Folders of unknown kinds: {', '.join(result.pictures.skipped_kinds)}.")
    for name, reason in result.pictures.skipped_pictures.items():
        lines.append(f"{name} {reason}.")
    if not lines:
        return ""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<footer><h2>Left out</h2><ul>{items}</ul></footer>"
