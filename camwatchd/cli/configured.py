# SPDX-License-Identifier: MIT
"""Owns what the verbs that need no daemon know of the configuration: the files that it reads, as they are now."""

import argparse
from pathlib import Path

from camwatchd import __main__ as daemon
from camwatchd.adapters import config
from camwatchd.core.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Other files than the usual ones."""
    given = daemon.arguments().parse_args([])
    parser.add_argument("--config", default=given.config, metavar="FILE", help="default: %(default)s")
    parser.add_argument(
        "--conf-dir", default=given.conf_dir, metavar="DIR", help="drop-ins; default: %(default)s"
    )


def settings(options: argparse.Namespace) -> Settings:
    """ConfigError: they cannot be used."""
    return config.load_named(Path(options.config), Path(options.conf_dir)).settings
