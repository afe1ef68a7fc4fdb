# SPDX-License-Identifier: MIT
"""Owns what a verb of `camwatchctl` is, and what several of them share."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """One row of the table of verbs; `run` gives the exit status."""

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def only_json(parser: argparse.ArgumentParser) -> None:
    """The arguments of a verb that has no others."""
    parser.add_argument("--json", action="store_true", help="for programs")


def none(_parser: argparse.ArgumentParser) -> None:
    """The arguments of a verb that has none."""
