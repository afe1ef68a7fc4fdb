# SPDX-License-Identifier: MIT
"""Owns `camwatchctl version`."""

import argparse
import sys

from camwatchd import __version__
from camwatchd.cli.verb import Verb, none
from camwatchd.errors import ExitStatus


def _run(_options: argparse.Namespace) -> int:
    sys.stdout.write(f"camwatchd {__version__}\n")
    return ExitStatus.EX_OK


VERB = Verb("version", "say which version this is", none, _run)
