"""Installing from a hub on this machine: whatever happens, a model is whole or not there."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save

from sounddesk.domain.errors import Cancelled
from sounddesk.domain.errors import DiskFullError
from sounddesk.domain.errors import EngineError
from sounddesk.domain.errors import OutputError
from sounddesk.engine.catalogue import model_install
from sounddesk.engine.catalogue.download import DownloadError
from sounddesk.engine.catalogue.entries import CatalogueEntry
from sounddesk.engine.catalogue.entries import CatalogueError
from sounddesk.engine.catalogue.entries import HubSource
from sounddesk.engine.catalogue.entries import RemoteFile
from sounddesk.engine.catalogue.hub_files import wanted_paths
from sounddesk.engine.catalogue.model_install import install
from sounddesk.engine.catalogue.model_store import ModelError
from sounddesk.engine.catalogue.model_store import installed_model
from sounddesk.engine.catalogue.model_store import list_models
from sounddesk.engine.catalogue.model_store import remove_model
from sounddesk.engine.catalogue.model_store import require_model
from sounddesk.engine.licence import Licence
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import Progress
from tests.engine.local_hub import LocalHub
from tests.engine.local_hub import sha256

LICENCE = Licence(name="House licence", commercial="no", note="not for sale")
WEIGHTS = save({"w": torch.arange(60_000.0)})
REPO = "me/mine"
ENTRY = CatalogueEntry(
    id="mine",
    name="Mine",
    kind="segmenter",
    purpose="masks",
    licence=LICENCE,
    catalogue=Path("test.toml"),
    hub=HubSource(repo=REPO, revision="main", patterns=("*.json", "unet/*")),
)


@pytest.fixture
def hub(local_hub: LocalHub) -> LocalHub:
    local_hub.repos[REPO] = {
        "config.json": b'{"a": 1}',
        "unet/model.safetensors": WEIGHTS,
        "unet/model.fp16.safetensors": WEIGHTS[:2000],
        "unet/model.bin": b"a pickle" * 1000,
        "README.md": b"# mine",
    }
    return local_hub


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "models"


def get(root: Path, entry: CatalogueEntry = ENTRY, **options: Any) -> Any:
    return install(entry, accept_licence=True, folder=root, first_wait_s=0.0, **options)


def leftovers(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def plain_entry(hub: LocalHub, name: str, data: bytes, **known: Any) -> CatalogueEntry:
    hub.plain[name] = data
    file = RemoteFile(name=name, url=f"{hub.url}/plain/{name}", **known)
    return replace(ENTRY, hub=None, files=(file,))


def test_a_hub_model_is_installed_with_its_record(hub: LocalHub, root: Path) -> None:
    reports: list[Progress] = []
    model = get(root, on_progress=reports.append)
    assert leftovers(root) == ["mine/config.json", "mine/model.json", "mine/unet/model.safetensors"]
    assert (root / "mine/unet/model.safetensors").read_bytes() == WEIGHTS
    record = json.loads((root / "mine/model.json").read_text())
    assert record["origin"] == f"{REPO}@{hub.commit(REPO)}"
    assert record["licence"] == {
        "name": "House licence",
        "commercial": "no",
        "spdx": None,
        "note": "not for sale",
        "url": None,
    }
    assert record["accepted_at"].startswith("20")
    assert record["files"]["unet/model.safetensors"] == {"sha256": sha256(WEIGHTS), "bytes": len(WEIGHTS)}
    assert require_model("mine", folder=root) == model
    model.verify()
    assert reports[0].done == 0 and reports[-1].done == reports[-1].total == len(WEIGHTS) + 8
    assert all(report.unit == "bytes" and report.stage == "download mine" for report in reports)


def test_a_second_install_asks_nobody(hub: LocalHub, root: Path) -> None:
    model = get(root)
    asked = len(hub.seen)
    assert get(root) == model
    assert len(hub.seen) == asked


def test_nothing_is_fetched_before_the_licence_is_accepted(hub: LocalHub, root: Path) -> None:
    with pytest.raises(CatalogueError, match=r"House licence \(commercial use: no\): accept its licence first, with"):
        install(ENTRY, accept_licence=False, folder=root)
    assert hub.seen == [] and not root.exists()


@pytest.mark.parametrize("spoil", ["flip", "cut", "remove"])
def test_a_damaged_model_is_refused_and_installed_again(hub: LocalHub, root: Path, spoil: str) -> None:
    path = get(root).file("unet/model.safetensors")
    if spoil == "remove":
        path.unlink()
    else:
        path.write_bytes(WEIGHTS[:-1] + b"\xff" if spoil == "flip" else WEIGHTS[:-1])
    with pytest.raises(ModelError, match=r"'mine': unet/model.safetensors .*: run 'sounddesk models install mine'"):
        require_model("mine", folder=root).verify()
    get(root).verify()
    assert path.read_bytes() == WEIGHTS


def test_a_cut_and_a_cancel_are_gone_on_from(hub: LocalHub, root: Path) -> None:
    token = CancelToken()

    def stop(report: Progress) -> None:
        if report.done > 100_000:
            token.cancel()

    hub.faults.cut_after, hub.faults.cuts = 50_000, 2
    with pytest.raises(Cancelled):
        get(root, on_progress=stop, cancel=token)
    assert installed_model("mine", folder=root) is None
    reports: list[Progress] = []
    get(root, on_progress=reports.append).verify()
    # Speed and time left count what is fetched now.
    assert reports[0].done == reports[0].done_before > 100_000
    assert hub.bodies()[-1].range is not None


def test_wrong_bytes_never_become_a_model(hub: LocalHub, root: Path) -> None:
    hub.faults.corrupt = 10
    with pytest.raises(DownloadError, match="is not the file that was published"):
        get(root)
    assert installed_model("mine", folder=root) is None
    hub.faults.corrupt = 0
    get(root).verify()


def test_a_changed_repository_leaves_nothing_of_the_old_one(hub: LocalHub, root: Path) -> None:
    hub.faults.cut_after, hub.faults.cuts = 50_000, 100
    hub.between = None
    token = CancelToken()

    def stop(report: Progress) -> None:
        if report.done > 50_000:
            token.cancel()

    with pytest.raises(Cancelled):
        get(root, on_progress=stop, cancel=token)
    hub.faults.cuts = 0
    other = save({"w": -torch.arange(60_000.0)})
    hub.repos[REPO] = {"config.json": b'{"a": 2}', "unet/model.safetensors": other}
    get(root).verify()
    assert (root / "mine/unet/model.safetensors").read_bytes() == other
    assert leftovers(root) == ["mine/config.json", "mine/model.json", "mine/unet/model.safetensors"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"repo": "me/none"}, "me/none is not on http://127.0.0.1:.*, or not for you"),
        ({"revision": "v9"}, "no revision 'v9'"),
        ({"patterns": ("*.onnx",)}, "holds none of the files"),
    ],
)
def test_what_the_hub_does_not_have(hub: LocalHub, root: Path, source: dict[str, Any], message: str) -> None:
    assert ENTRY.hub is not None
    with pytest.raises(DownloadError, match=message):
        get(root, replace(ENTRY, hub=replace(ENTRY.hub, **source)))


def test_gated_models_need_a_token_that_stays_with_the_hub(
    hub: LocalHub, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults.gated = True
    with pytest.raises(DownloadError, match="agreed to its terms: agree on http.*/me/mine, then set HF_TOKEN"):
        get(root)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    get(root)
    by_host = {
        host: {seen.authorization for seen in hub.seen[1:] if seen.host == host} for host in ("127.0.0.1", "localhost")
    }
    assert by_host == {"127.0.0.1": {"Bearer hf_secret"}, "localhost": {None}}


def test_no_hub_at_all(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match="no connection to http://127.0.0.1:9 .*: check the network, the proxy"):
        get(root)


def test_offline_takes_the_shared_cache_and_checks_it(
    hub: LocalHub, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DownloadError, match="offline, and me/mine is not in the shared cache"):
        get(root, offline=True)
    from huggingface_hub import hf_hub_download

    for path in ("config.json", "unet/model.safetensors"):
        hf_hub_download(REPO, path, endpoint=hub.url, cache_dir=tmp_path / "cache")
    asked = len(hub.seen)
    get(root, offline=True).verify()
    assert len(hub.seen) == asked
    remove_model("mine", folder=root)
    # Online, the cache spares the download too.
    get(root)
    assert hub.bodies()[-1].path == hub.seen[asked - 1].path
    remove_model("mine", folder=root)
    blob = (tmp_path / "cache/models--me--mine/blobs" / sha256(WEIGHTS)).resolve()
    blob.chmod(0o644)
    blob.write_bytes(b"\0" * len(WEIGHTS))
    with pytest.raises(DownloadError, match="in the shared cache is damaged"):
        get(root, offline=True)


def test_plain_files_cannot_be_had_offline(hub: LocalHub, root: Path) -> None:
    with pytest.raises(DownloadError, match="offline, and mine is not installed"):
        get(root, plain_entry(hub, "w.safetensors", WEIGHTS), offline=True)


def test_too_little_space_is_known_before_the_first_byte(
    hub: LocalHub, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.disk_usage
    monkeypatch.setattr(model_install.shutil, "disk_usage", lambda place: real(place)._replace(free=65 << 20))
    entry = plain_entry(hub, "w.safetensors", WEIGHTS, bytes=3 << 20, sha256="0" * 64)
    with pytest.raises(OutputError, match=r"mine needs 0.00 GB more in .*models, which has 0.07 GB free: free"):
        get(root, entry)
    assert hub.bodies() == []


def test_pickles_become_safetensors_once(hub: LocalHub, root: Path, tmp_path: Path) -> None:
    state = {"a.weight": torch.randn(40, 30), "tied": torch.ones(3)}
    state["tied_too"] = state["tied"]
    torch.save({"model": state}, tmp_path / "w.pth")
    data = (tmp_path / "w.pth").read_bytes()
    model = get(root, plain_entry(hub, "w.pth", data, bytes=len(data), sha256=sha256(data)))
    assert leftovers(root) == ["mine/model.json", "mine/w.safetensors"]
    loaded = load_file(model.file("w.safetensors"))
    assert set(loaded) == set(state) and all(torch.equal(loaded[key], state[key]) for key in state)
    model.verify()


def test_no_room_for_the_converted_weights_is_told_as_such(hub: LocalHub, root: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    torch.save({"w": torch.arange(100_000.0)}, tmp_path / "w.pth")
    data = (tmp_path / "w.pth").read_bytes()
    entry = plain_entry(hub, "w.pth", data, bytes=len(data), sha256=sha256(data))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(progress: Progress) -> None:
        # What was fetched fits, what is made of it does not.
        if progress.done == progress.total:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))

    try:
        with pytest.raises(DiskFullError, match="limit on file sizes"):
            get(root, entry, on_progress=limit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(root.rglob("*safetensors*"))
    # With room it goes on from what was fetched.
    fetched = len(hub.bodies())
    assert get(root, entry).file("w.safetensors").is_file()
    assert len(hub.bodies()) == fetched


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/sounddesk-was-here",)


def test_a_pickle_that_runs_code_is_refused(hub: LocalHub, root: Path) -> None:
    Path("/tmp/sounddesk-was-here").unlink(missing_ok=True)
    with pytest.raises(EngineError, match=r"evil.pth cannot be read .*: it is not loaded"):
        get(root, plain_entry(hub, "evil.pth", pickle.dumps({"w": Evil()}, protocol=2)))
    assert not Path("/tmp/sounddesk-was-here").exists()
    assert installed_model("mine", folder=root) is None


def test_of_the_same_weights_the_safe_ones_in_full_precision() -> None:
    paths = [
        "a/m.safetensors",
        "a/m.bin",
        "a/m.fp16.safetensors",
        "b/pytorch_model.bin",
        "b/run.py",
        "b/v.txt",
        "c.msgpack",
    ]
    assert wanted_paths(paths, ["*"]) == ["a/m.safetensors", "b/pytorch_model.bin", "b/v.txt"]
    assert wanted_paths(paths, ["b/*"]) == ["b/pytorch_model.bin", "b/v.txt"]
    with pytest.raises(DownloadError, match="leads out of its folder"):
        wanted_paths(["../../etc/cron.json"], ["*"])


def test_removing(hub: LocalHub, root: Path) -> None:
    with pytest.raises(ModelError, match="model 'mine' is not installed"):
        remove_model("mine", folder=root)
    n_bytes = get(root).n_bytes
    assert remove_model("mine", folder=root) >= n_bytes
    assert leftovers(root) == [] and list_models(root) == []


def test_a_record_that_is_damaged_is_listed_with_its_problem(hub: LocalHub, root: Path) -> None:
    get(root)
    (root / "mine/model.json").write_text('{"schema_version": 1}')
    (listing,) = list_models(root)
    assert listing.model is None and "is damaged" in str(listing.problem)
    get(root).verify()


CATALOGUE = f"""
schema_version = 1
[[model]]
id = "mine"
name = "Mine"
kind = "segmenter"
purpose = "masks"
licence = {{ name = "House licence", commercial = "no" }}
hub = {{ repo = "{REPO}", revision = "main", patterns = ["*.json", "unet/*"] }}
"""


@pytest.fixture
def command(hub: LocalHub, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The real command, with a user's catalogue that names the model."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SOUNDDESK_MODELS", str(root))
    catalogues = tmp_path / "data/sounddesk/catalogues"
    catalogues.mkdir(parents=True)
    (catalogues / "mine.toml").write_text(CATALOGUE)
    return [sys.executable, "-m", "sounddesk", "models", "install", "mine", "--accept-licence", "mine", "--json"]


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_two_processes_at_once_fetch_it_once(hub: LocalHub, root: Path, command: list[str]) -> None:
    hub.between = lambda _sent: time.sleep(0.005)
    both = [start(command), start(command)]
    documents = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert [document["models"][0]["bytes"] for document in documents] == [len(WEIGHTS) + 8] * 2
    assert len([seen for seen in hub.bodies() if sha256(WEIGHTS) in seen.path]) == 1
    require_model("mine", folder=root).verify()
    assert leftovers(root) == ["mine/config.json", "mine/model.json", "mine/unet/model.safetensors"]


@pytest.mark.slow
def test_kill_9_in_between_costs_only_what_was_on_its_way(hub: LocalHub, root: Path, command: list[str]) -> None:
    for sent_before_kill in (0, 50_000, 100_000):
        process = start(command)

        def kill(sent: int, process: subprocess.Popen[str] = process, limit: int = sent_before_kill) -> None:
            time.sleep(0.002)
            if sent >= limit:
                process.send_signal(signal.SIGKILL)

        hub.between = kill
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        assert installed_model("mine", folder=root) is None
    hub.between = None
    get(root).verify()
    assert leftovers(root) == ["mine/config.json", "mine/model.json", "mine/unet/model.safetensors"]
    resumed = [seen.range for seen in hub.bodies() if sha256(WEIGHTS) in seen.path]
    assert resumed[0] is None and any(resumed[1:])
