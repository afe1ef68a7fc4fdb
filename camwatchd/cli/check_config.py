# SPDX-License-Identifier: MIT
"""Owns `camwatchctl check-config`: the daemon's own check of its configuration, where people look for it."""

import argparse

from camwatchd import __main__ as daemon
from camwatchd.cli.verb import Verb


def _arguments(parser: argparse.ArgumentParser) -> None:
    given = daemon.arguments().parse_args([])
    parser.add_argument("--config", default=given.config, metavar="FILE", help="default: %(default)s")
    parser.add_argument(
        "--conf-dir", default=given.conf_dir, metavar="DIR", help="drop-ins; default: %(default)s"
    )


def _run(options: argparse.Namespace) -> int:
    return daemon.main(["--check-config", "--config", options.config, "--conf-dir", options.conf_dir])


VERB = Verb(
    "check-config", "say whether the configuration can be used, and what is wrong with it", _arguments, _run
)
