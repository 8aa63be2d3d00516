"""A sounddesk batch as an OpenCue job: one frame of the job per shard. Needs opencue-pyoutline and CUEBOT_HOSTS.

python opencue.py --show SHOW --shot SHOT --shards 8 -- /shots/010 --project /shots/010.sdesk --out /sounds/010

What follows '--' goes to `sounddesk batch`. Frames and output lie on a disk that every host sees. A shard that is
retried renders only what is missing.
"""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Sequence


def batch_command(arguments: Sequence[str], *, shards: int, cores: int) -> list[str]:
    """The command of one shard; OpenCue puts the number of the job's frame in place of #IFRAME#."""
    return [
        *("sounddesk", "batch", *arguments, "--resume"),
        *("--shard", f"#IFRAME#/{shards}", "--workers", str(cores)),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Submit the job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", required=True)
    parser.add_argument("--shot", required=True)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--cores", type=int, default=2, help="of each shard (default: 2)")
    parser.add_argument("batch", nargs="+", metavar="ARGUMENT", help="arguments of 'sounddesk batch'")
    options = parser.parse_args(arguments)

    import outline
    import outline.cuerun
    import outline.modules.shell

    job = outline.Outline("sounddesk", show=options.show, shot=options.shot, user=getpass.getuser())
    layer = outline.modules.shell.Shell(
        "sounds",
        command=batch_command(options.batch, shards=options.shards, cores=options.cores),
        range=f"1-{options.shards}",
        chunk=1,
        cores=options.cores,
    )
    job.add_layer(layer)
    outline.cuerun.launch(job, use_pycuerun=False)


if __name__ == "__main__":
    main()
