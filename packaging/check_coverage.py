"""Holds the coverage of every layer to its floor in pyproject.toml: a high mean must not hide an untested layer.

    coverage json -o coverage.json && python packaging/check_coverage.py coverage.json

Exits with 1 and names the layer where a floor is missed, or where a layer has no floor.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def layer_shares(report: dict[str, Any]) -> dict[str, float]:
    """Per cent of lines and branches that ran, by layer, from the report that `coverage json` writes.

    >>> files = {"sounddesk/domain/mask.py": {"summary": {
    ...     "covered_lines": 8, "num_statements": 10, "covered_branches": 1, "num_branches": 2}}}
    >>> layer_shares({"files": files})
    {'domain': 75.0}
    """
    covered: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for name, entry in report["files"].items():
        parts = Path(name).parts
        after = parts[parts.index("sounddesk") + 1 :]
        if len(after) < 2:
            continue  # sounddesk/__init__.py and its like belong to no layer
        summary = entry["summary"]
        covered[after[0]] += summary["covered_lines"] + summary.get("covered_branches", 0)
        total[after[0]] += summary["num_statements"] + summary.get("num_branches", 0)
    return {layer: 100.0 * covered[layer] / total[layer] for layer in sorted(total) if total[layer]}


def misses(shares: dict[str, float], floors: dict[str, float]) -> list[str]:
    """One sentence for every layer that has no floor, misses it, or was not measured.

    >>> misses({"audio": 89.5, "domain": 99.0}, {"audio": 90, "domain": 95})
    ['audio: 89.5 % of lines and branches are tested, the floor is 90 %']
    """
    found = [f"{layer}: no floor in pyproject.toml" for layer in shares if layer not in floors]
    for layer, floor in floors.items():
        if layer not in shares:
            found.append(f"{layer}: not measured")
        elif shares[layer] < floor:
            found.append(f"{layer}: {shares[layer]:.1f} % of lines and branches are tested, the floor is {floor:g} %")
    return found


def main() -> int:
    floors = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["sounddesk"][
        "coverage_floors"
    ]
    shares = layer_shares(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    for layer, share in shares.items():
        print(f"{layer:12s} {share:5.1f} %  (floor {floors.get(layer, '-')})")
    found = misses(shares, floors)
    print("\n".join(found), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
