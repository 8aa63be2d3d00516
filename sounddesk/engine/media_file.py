"""Films and sound in containers, opened by FFmpeg through PyAV; the only place that does so.

FFmpeg takes more than files: addresses, protocols in a name (`concat:`, `http:`), and formats that name other files
or servers (playlists). A file that somebody sent must do nothing of the kind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import Final

from sounddesk.storage.foreign_file import open_foreign_file

# Containers of films and sounds that hold all they need; playlists, lists of pictures and devices are not among them.
_CONTAINERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpeg", "mpegts", "mxf", "flv", "asf", "gif", "apng",
    "ogg", "mp3", "wav", "w64", "flac", "aiff", "caf", "aac", "au",
)  # fmt: skip


@contextlib.contextmanager
def open_media(path: Path) -> Iterator[Any]:
    """A file as PyAV's input container, open inside the block; FFmpeg gets its bytes, never its name.

    Raises:
        av.error.FFmpegError: it is in none of the known containers, or damaged.
        OSError: it cannot be read.

    Example:
        with open_media(Path("street.mov")) as container:
            frames = container.decode(video=0)
    """
    import av

    options = {"format_whitelist": ",".join(_CONTAINERS), "protocol_whitelist": "none"}
    # Titles and the like may be in any encoding; nothing here reads them.
    with open_foreign_file(path) as file, av.open(file, options=options, metadata_errors="replace") as container:
        yield container
