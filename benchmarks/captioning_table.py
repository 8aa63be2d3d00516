"""The captioning baselines on the same scenes: right object by objects, by words of each object, by one caption.

    python -m benchmarks.captioning_table --pictures FOLDER --out captioning_table.json

The judge says which object of a scene each take sounds like (`sounddesk evaluate right-object`). A row is kept as soon
as it is made; the same call goes on where an earlier one was ended, on the same bundle and settings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sounddesk.domain.grounding_mode import GROUNDING_MODES
from sounddesk.engine.bundles.installed_bundles import find_bundle
from sounddesk.evaluation import right_object
from sounddesk.resources_folder import SHIPPED_BUNDLE


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Documents of `right_object` by grounding mode, as Markdown."""
    lines = ["| takes follow | right object | 95 % interval | of all kinds | bundle |", "|---|---|---|---|---|"]
    for mode, row in rows.items():
        among, of_all = row["accuracy"], row["accuracy_of_all_kinds"]
        low, high = among["interval_95"]
        lines.append(
            f"| {mode} | {among['share']:.3f} ({among['hits']} of {among['trials']}) | {low:.3f} to {high:.3f} | "
            f"{of_all['share']:.3f} | {row['bundle_sha256'][:8]} |"
        )
    if rows:
        first = next(iter(rows.values()))
        lines += ["", f"Chance {first['chance']:.3f}, ceiling {first['ceiling']['share']:.3f}."]
    return "\n".join(lines)


def kept_rows(path: Path, asked: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Rows of an earlier call by mode; none where it was asked otherwise."""
    if not path.is_file():
        return {}
    document = json.loads(path.read_text(encoding="utf-8"))
    rows: dict[str, dict[str, Any]] = document["rows"] if document["asked"] == asked else {}
    return rows


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, metavar="FOLDER", help="holds KIND/*.png cut-outs")
    parser.add_argument("--bundle", default=SHIPPED_BUNDLE)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("captioning_table.json"))
    options = parser.parse_args(arguments)
    numbers = {"scenes": options.scenes, "seconds": options.seconds, "seed": options.seed}
    asked = {"bundle_sha256": find_bundle(options.bundle).sha256, "pictures": str(options.pictures), **numbers}
    rows = kept_rows(options.out, asked)
    for mode in GROUNDING_MODES:
        if mode not in rows:
            result = right_object.run(
                options.pictures, bundle=options.bundle, grounding=mode, device=options.device, **numbers
            )
            rows[mode] = result.to_json()
            options.out.write_text(json.dumps({"asked": asked, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
