"""Takes libraries out of an environment that wheels bring along and nothing calls, for the sake of their licences.

    python packaging/frozen/unused_libraries.py PACKAGES

PyAV's FFmpeg is under the LGPL and loads x264 and x265 (GPL) for writing films, which sounddesk does not do; OpenCV's
loads OpenSSL 1.1, with whose licence the GPL does not go, for addresses of the net, which nothing here opens. A loader
insists on a file of each name that has what is asked of it: it gets one of ours, whose functions answer 0, as those of
a library do that cannot do what it is asked for. Linux alone; needs a C compiler and nm.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

# The wheel's folder of libraries, the package that loads them, and the beginnings of the names of those that go.
UNUSED: Final = {
    "av.libs": ("av", ("libx264-", "libx265-")),
    "opencv_python_headless.libs": ("cv2", ("libssl-", "libcrypto-")),
}
_SYMBOL: Final = re.compile(r"(?:[0-9a-f]+ +| +)([A-Za-z]) ([^@\s]+)(?:@{1,2}(\S+))?$")
_FUNCTIONS: Final = "TtWwi"
Symbol = tuple[str, str]


def symbols(library: Path, *, defined: bool) -> dict[Symbol, str]:
    """What a library has for others, or asks of them: nm's letter by name and version ('' for none)."""
    which = "--defined-only" if defined else "--undefined-only"
    said = subprocess.run(["nm", "-D", which, str(library)], capture_output=True, text=True, check=True).stdout
    found = (_SYMBOL.match(line) for line in said.splitlines())
    return {(each[2], each[3] or ""): each[1] for each in found if each}


def source_of(wanted: dict[Symbol, str]) -> tuple[str, str]:
    """C source and linker script of a library that has the symbols and does nothing.

    >>> print(*source_of({("open_1", ""): "T", ("levels", "V1"): "R"}), sep="")
    char levels[4096];
    void *open_1(void) { return 0; }
    V1 { global: levels; };
    <BLANKLINE>
    """
    lines = [
        f"void *{name}(void) {{ return 0; }}" if kind in _FUNCTIONS else f"char {name}[4096];"
        for (name, _), kind in sorted(wanted.items())
    ]
    versions = sorted({version for _, version in wanted if version})
    script = [
        f"{each} {{ global: {'; '.join(sorted(name for name, version in wanted if version == each))}; }};"
        for each in versions
    ]
    return "\n".join(lines) + "\n", "".join(f"{line}\n" for line in script)


def replace(library: Path, asking: list[Path]) -> int:
    """Put a library that does nothing in the place of one, for those that ask for it; with how many symbols."""
    had = symbols(library, defined=True)
    asked = {symbol for each in asking for symbol in symbols(each, defined=False)}
    wanted = {symbol: kind for symbol, kind in had.items() if symbol in asked}
    source, script = source_of(wanted)
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary) / library.name
        (made.with_name("empty.c")).write_text(source, encoding="utf-8")
        (made.with_name("versions.ld")).write_text(script, encoding="utf-8")
        options = [f"-Wl,--version-script={made.with_name('versions.ld')}"] if script else []
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{library.name}", *options, "-o", str(made),
             str(made.with_name("empty.c"))],
            check=True,
        )  # fmt: skip
        shutil.copy(made, library)
    return len(wanted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, help="site-packages of the environment")
    options = parser.parse_args()
    for folder, (package, beginnings) in UNUSED.items():
        for beginning in beginnings:
            for library in (options.packages / folder).glob(f"{beginning}*.so*"):
                going = tuple(name for _, names in UNUSED.values() for name in names)
                others = [
                    path
                    for place in (options.packages / folder, options.packages / package)
                    for path in place.rglob("*.so*")
                    if not path.name.startswith(going)
                ]
                print(f"{library.name}: {replace(library, others)} symbols")


if __name__ == "__main__":
    main()
