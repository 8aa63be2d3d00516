"""Makes the takes that the demos open with: one per object, 6 s, by the starter, and the recipe of each.

    python packaging/make_demo_takes.py farm shore meadow

Run it again when the starter's weights change. The sounds are kept as FLAC of 16 bits.
"""

from __future__ import annotations

import argparse
import json
from typing import Final

import soundfile

from sounddesk.app.generation import generation_request
from sounddesk.app.project.demo_project import DEMOS
from sounddesk.app.project.demo_project import demo_folder
from sounddesk.app.project.demo_project import demo_project
from sounddesk.engine.session import EngineSession

_SECONDS: Final = 6.0


def make_demo_takes(name: str) -> None:
    """Write `takes/OBJECT.flac` and `takes/takes.json` into a demo's folder."""
    folder = demo_folder(name)
    contents, ((_, image),) = demo_project(name, with_takes=False)
    project = contents.project
    session = EngineSession.open(bundle="starter", device="cpu")
    made = session.generate(
        generation_request(project, image, [(each, each.seed) for each in project.objects], _SECONDS)
    )
    (folder / "takes").mkdir(exist_ok=True)
    records = []
    for take in made:
        soundfile.write(folder / "takes" / f"{take.name}.flac", take.waveform, take.sample_rate_hz, subtype="PCM_16")
        records.append({"name": take.name, "recipe": take.recipe})
    text = json.dumps({"takes": records}, indent=1, sort_keys=True)
    (folder / "takes" / "takes.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("demos", nargs="+", choices=list(DEMOS))
    for name in parser.parse_args().demos:
        make_demo_takes(name)


if __name__ == "__main__":
    main()
