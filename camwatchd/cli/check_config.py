# SPDX-License-Identifier: MIT
"""Owns `camwatchctl check-config`: the daemon's own check of its configuration, where people look for it."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from camwatchd import __main__ as daemon
from camwatchd.adapters import config
from camwatchd.adapters.config_files import fragments, printable
from camwatchd.cli import asking
from camwatchd.cli.verb import Verb
from camwatchd.core.plain import to_plain
from camwatchd.errors import ConfigError, ExitStatus, Problem


def _arguments(parser: argparse.ArgumentParser) -> None:
    given = daemon.arguments().parse_args([])
    parser.add_argument("--config", default=given.config, metavar="FILE", help="default: %(default)s")
    parser.add_argument(
        "--conf-dir", default=given.conf_dir, metavar="DIR", help="drop-ins; default: %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def _run(options: argparse.Namespace) -> int:
    if not options.json:
        if missing := _missing(Path(options.conf_dir)):
            asking.complain(str(ConfigError(missing)))
            return ExitStatus.EX_CONFIG
        return daemon.main(["--check-config", "--config", options.config, "--conf-dir", options.conf_dir])
    facts = document(Path(options.config), Path(options.conf_dir))
    sys.stdout.write(f"{json.dumps(facts, indent=2)}\n")
    return ExitStatus.EX_OK if facts["valid"] else ExitStatus.EX_CONFIG


def document(main: Path, drop_ins: Path) -> dict[str, Any]:
    """What `--json` prints: the problems one by one, or what was read and for which cameras."""
    problems, loaded = _missing(drop_ins), None
    try:
        loaded = config.load_named(main, drop_ins)
    except ConfigError as error:
        problems = (*problems, *error.problems)
    if problems or loaded is None:
        read = [one.file for one in fragments(main, drop_ins)]
        return {"valid": False, "problems": to_plain(problems), "cameras": [], "files": read}
    names = [camera.name for camera in loaded.settings.cameras]
    return {"valid": True, "problems": [], "cameras": names, "files": list(loaded.files)}


def _missing(drop_ins: Path) -> tuple[Problem, ...]:
    """Who names a folder of drop-ins, and misspells it, is not told that all is well; the usual one may be missing."""
    if str(drop_ins) == daemon.arguments().parse_args([]).conf_dir or drop_ins.is_dir():
        return ()
    hint = "check the path after --conf-dir; without that the usual folder is read, and may be missing"
    return (Problem(printable(str(drop_ins)), "", "", "a folder that is there", hint),)


VERB = Verb(
    "check-config", "say whether the configuration can be used, and what is wrong with it", _arguments, _run
)
