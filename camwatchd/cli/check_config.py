# SPDX-License-Identifier: MIT
"""Owns `camwatchctl check-config`: the daemon's own check of its configuration, where people look for it."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from camwatchd import __main__ as daemon
from camwatchd.adapters import config
from camwatchd.cli.verb import Verb
from camwatchd.core.plain import to_plain
from camwatchd.errors import ConfigError, ExitStatus


def _arguments(parser: argparse.ArgumentParser) -> None:
    given = daemon.arguments().parse_args([])
    parser.add_argument("--config", default=given.config, metavar="FILE", help="default: %(default)s")
    parser.add_argument(
        "--conf-dir", default=given.conf_dir, metavar="DIR", help="drop-ins; default: %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def _run(options: argparse.Namespace) -> int:
    if not options.json:
        return daemon.main(["--check-config", "--config", options.config, "--conf-dir", options.conf_dir])
    facts = document(Path(options.config), Path(options.conf_dir))
    sys.stdout.write(f"{json.dumps(facts, indent=2)}\n")
    return ExitStatus.EX_OK if facts["valid"] else ExitStatus.EX_CONFIG


def document(main: Path, drop_ins: Path) -> dict[str, Any]:
    """What `--json` prints: the problems one by one, or what was read and for which cameras."""
    try:
        loaded = config.load_named(main, drop_ins)
    except ConfigError as error:
        return {"valid": False, "problems": to_plain(error.problems), "cameras": [], "files": []}
    names = [camera.name for camera in loaded.settings.cameras]
    return {"valid": True, "problems": [], "cameras": names, "files": list(loaded.files)}


VERB = Verb(
    "check-config", "say whether the configuration can be used, and what is wrong with it", _arguments, _run
)
