"""What `docker compose build`, `up` and `exec` would do, done by processes where there is no engine.

    python docker/rehearsal build DIR [--build-arg NAME=VALUE ...]
    python docker/rehearsal up DIR [--env-file FILE] COMPOSE_FILE
    python docker/rehearsal exec DIR SERVICE COMMAND ...

`build` runs every step of the Dockerfile, in its order, on a copy-on-write view of this machine with
this Python at /usr/local. `up` runs the services of a compose file, as docker-compose itself reads it, in
a network of their own, in their order, each after the health checks of those it needs; it says "healthy"
once all are, and stops them on TERM. `exec` runs a command in one of them. All of it needs Linux and root.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from image import build, report
from services import execute, up
from spaces import enter_new, join

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> int:
    arguments = _parse()
    directory: Path = arguments.directory.resolve()
    again = [sys.executable, str(Path(__file__).parent)]
    if arguments.what == "build":
        enter_new("mount")
        given = dict(each.split("=", 1) for each in arguments.build_arg)
        report(build(REPOSITORY, directory, given))
    elif arguments.what == "up":
        if not arguments.inside:
            (directory / "pid").write_text(str(os.getpid()))
            spaces = ["--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]
            os.execvp("unshare", ["unshare", *spaces, *again, *sys.argv[1:], "--inside"])
        return up(directory, arguments.compose_file, arguments.env_file)
    elif arguments.what == "exec":
        join(int((directory / "pid").read_text()))
        return execute(directory, arguments.service, arguments.command)
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    kinds = parser.add_subparsers(dest="what", required=True)
    for what in ("build", "up", "exec"):
        kind = kinds.add_parser(what)
        kind.add_argument("directory", type=Path, metavar="DIR", help="where all of it is kept")
        if what == "build":
            kind.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
        elif what == "up":
            kind.add_argument("compose_file", type=Path)
            kind.add_argument("--env-file", type=Path)
            kind.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
        else:
            kind.add_argument("service")
            kind.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args()


sys.exit(main())
