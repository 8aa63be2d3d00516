"""Pictures of things that the starter has no sound for, each drawn by several artists.

They teach the image encoder what drawings of one thing have in common. Nothing of them is ever tested on, and what they
show is no kind of the starter, so they cannot show the encoder a test picture of one.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Final

import yaml

from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.tasks import StageReporter

from .member_readers import MemberError
from .picture_cutting import PictureError
from .picture_cutting import cut_picture
from .picture_cutting import encode_png
from .starter_recipe import RecipeError
from .starter_sources import SourceLibrary
from .starter_table import write_whole

NAMED_TABLE_NAME: Final = "named.csv"
NAMED_FOLDER_NAME: Final = "named"

# How a thing is called in a set: `{name}`, `{joined}` without hyphens, `{code}` and `{CODE}` in hexadecimal.
_COLUMNS: Final = ("name", "path", "source", "member", "source_sha256", "sha256", "licence")


@dataclass(frozen=True, kw_only=True)
class NamedRecipe:
    """Things by their code points, and how each set calls them.

    Attributes:
        sets: templates of member names by source; the first that the set has is taken.
        things: name by code points in lower-case hexadecimal, joined by hyphens.
    """

    sets: dict[str, tuple[str, ...]]
    things: dict[str, str]

    def members(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Of each thing and set: the thing's name, the source, and what the picture may be called there."""
        for code, name in self.things.items():
            words = {"name": name, "joined": name.replace("-", ""), "code": code, "CODE": code.upper()}
            for source, templates in self.sets.items():
                yield name, source, tuple(template.format(**words) for template in templates)


def load_named(path: Path) -> NamedRecipe:
    """Reads the list of things. Raises: RecipeError naming the key that is wrong."""
    raw: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict) or not {"sets", "things"} <= raw.keys():
        raise RecipeError(f"{path.name} must have the keys 'sets' and 'things'")
    sets = {str(source): tuple(map(str, templates)) for source, templates in raw["sets"].items()}
    things = {str(code): str(name) for code, name in raw["things"].items()}
    names = list(things.values())
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise RecipeError(f"{path.name} names {', '.join(twice)} twice; give each thing a name of its own")
    return NamedRecipe(sets=sets, things=things)


def prepare_named(
    out_dir: Path,
    recipe: NamedRecipe,
    library: SourceLibrary,
    *,
    progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> int:
    """Writes ``named/NAME/SOURCE.png`` and ``named.csv``; how many pictures there are.

    A picture that is there already is not drawn again. What a set does not have, or cannot be drawn, is left out.
    """
    wanted = list(recipe.members())
    reporter = StageReporter(stage="named pictures", total=len(wanted), on_progress=progress, cancel=cancel)
    rows: list[dict[str, str]] = []
    for number, (name, source, members) in enumerate(wanted, start=1):
        row = _draw(out_dir, name=name, source=source, members=members, library=library)
        if row is not None:
            rows.append(row)
        reporter.step(number)
    known = {row["path"] for row in rows}
    for path in (out_dir / NAMED_FOLDER_NAME).rglob("*.png"):
        if path.relative_to(out_dir).as_posix() not in known:
            path.unlink()
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["path"]))
    write_whole(out_dir / NAMED_TABLE_NAME, text.getvalue().encode("utf-8"))
    return len(rows)


def _draw(
    out_dir: Path, *, name: str, source: str, members: tuple[str, ...], library: SourceLibrary
) -> dict[str, str] | None:
    reader = library.reader(source)
    for member in members:
        try:
            data = reader.read(member).data
        except MemberError:
            continue
        path = f"{NAMED_FOLDER_NAME}/{name}/{source}.png"
        if not (out_dir / path).is_file():
            try:
                content = encode_png(cut_picture(data, name=f"{source}:{member}"))
            except PictureError:
                return None
            write_whole(out_dir / path, content)
        return {
            "name": name,
            "path": path,
            "source": source,
            "member": member,
            "source_sha256": hashlib.sha256(data).hexdigest(),
            "sha256": hashlib.sha256((out_dir / path).read_bytes()).hexdigest(),
            "licence": library.source(source).licence_of(member)[0],
        }
    return None
