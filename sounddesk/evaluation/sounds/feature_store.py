"""What networks heard and saw, kept by the content of sound or picture, so that a stopped run goes on where it was."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np

from sounddesk.evaluation.sound_networks.registry import Features
from sounddesk.evaluation.sound_networks.registry import NetworkEntry
from sounddesk.storage.atomic_file import translate_os_errors
from sounddesk.storage.closing import Closing
from sounddesk.storage.own_file import append_text
from sounddesk.storage.own_file import make_own_folders
from sounddesk.storage.text_formats import parse_json


class FeatureStore(Closing):
    """Features of one network in a file; may be asked and added to by several threads.

    Args:
        folder: made where missing.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, folder: Path, network: NetworkEntry) -> None:
        self._path = folder / f"{network.name}-{network.version}.jsonl"
        self._lock = threading.Lock()
        self._rows = _read(self._path)
        with translate_os_errors(self._path):
            folder.parent.mkdir(parents=True, exist_ok=True)
            make_own_folders(folder.parent, Path(folder.name))
            self._file = append_text(self._path)
            if self._rows:
                # A row that a kill cut off ends here.
                self._file.write("\n")

    def close(self) -> None:
        self._file.close()

    def get(self, key: str) -> Features | None:
        return self._rows.get(key)

    def add(self, key: str, features: Features) -> Features:
        """Keep features, finite float32 arrays. Raises: OutputError; ValueError, numbers that are not finite."""
        kept = {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in features.items()}
        for name, value in kept.items():
            if not np.isfinite(value).all():
                raise ValueError(f"{self._path.stem} gave {name!r} that is not finite")
        row = {"key": key, "features": {name: _encode(value) for name, value in kept.items()}}
        with self._lock, translate_os_errors(self._path):
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
            self._rows[key] = kept
        return kept


def _read(path: Path) -> dict[str, Features]:
    """Whole rows; one that a kill cut off is left out."""
    rows: dict[str, Features] = {}
    if not path.is_file():
        return rows
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                row = parse_json(line)
                rows[str(row["key"])] = {str(name): _decode(value) for name, value in row["features"].items()}
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return rows


def _encode(value: np.ndarray) -> dict[str, Any]:
    return {"shape": list(value.shape), "data": base64.b64encode(value.astype("<f4").tobytes()).decode()}


def _decode(value: Any) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(value["data"], validate=True), dtype="<f4").astype(np.float32)
    if not np.isfinite(data).all():
        raise ValueError("features are not finite")
    return data.reshape([int(size) for size in value["shape"]])
