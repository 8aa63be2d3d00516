"""Names of temporary files that say whose they are, so that what a killed process left can be told and removed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Final

# `.COMPUTER-PROCESS-RANDOM` and what follows; tempfile adds letters of its own to the prefix.
_NAME: Final = re.compile(r"\.(?P<computer>[0-9a-f]{8})-(?P<process>\d{1,10})-[0-9a-z_]{8,16}(?P<rest>\..*|-journal)?")
# As versions before 0.2 named them, which told nobody whose they were.
_NAME_BEFORE: Final = re.compile(r"\.[0-9a-f]{16}(\.\w{1,12})?\.(tmp|sdesk-tmp)(-journal)?")
# Behind the name of a folder that is kept aside while its successor takes its place.
ASIDE_SUFFIX: Final = ".old"
_SURELY_LEFT_S: Final = 24 * 3600.0


def temporary_prefix() -> str:
    """The beginning of a hidden name that is this process's; something random must follow."""
    computer = hashlib.sha256(socket.gethostname().encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f".{computer}-{os.getpid()}-"


def temporary_name(suffix: str = ".tmp") -> str:
    """A hidden name of this process that nobody can guess.

    Example:
        >>> import re
        >>> bool(re.fullmatch(r"[.][0-9a-f]{8}-[0-9]+-[0-9a-f]{16}[.]tmp", temporary_name()))
        True
    """
    return f"{temporary_prefix()}{secrets.token_hex(8)}{suffix}"


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders whose process is gone; links are not followed. Never raises.

    A folder that was kept aside and whose successor never came is put back where it was.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _is_left(entry):
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        if _is_put_back(entry, folder):
                            continue
                        shutil.rmtree(entry.path, ignore_errors=True)
                    else:
                        Path(entry.path).unlink()


def _is_put_back(entry: os.DirEntry[str], folder: Path) -> bool:
    named = _NAME.fullmatch(entry.name)
    rest = named["rest"] if named is not None else None
    if rest is None or not rest.endswith(ASIDE_SUFFIX) or len(rest) <= len(ASIDE_SUFFIX) + 1:
        return False
    home = folder / rest[1 : -len(ASIDE_SUFFIX)]
    if os.path.lexists(home):
        return False
    Path(entry.path).rename(home)
    return True


def _is_left(entry: os.DirEntry[str]) -> bool:
    if not entry.name.startswith("."):
        return False
    named = _NAME.fullmatch(entry.name)
    if named is not None and temporary_prefix().startswith(f".{named['computer']}-"):
        return not _is_alive(int(named["process"]))
    if named is None and _NAME_BEFORE.fullmatch(entry.name) is None:
        return False
    # Another computer's, on a network disk, or an earlier version's.
    try:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > _SURELY_LEFT_S
    except OSError:
        return False


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":
        import psutil

        return bool(psutil.pid_exists(process))
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        # Somebody else's process.
        return True
    return True
