# SPDX-License-Identifier: MIT
"""Owns `python -m tests.system`: builds the trees of all releases side by side, so that tests find all ready."""

from concurrent.futures import ThreadPoolExecutor

from . import nspawn
from .installed import installed
from .promtool import promtool
from .root import RELEASES

if __name__ == "__main__":
    nspawn.sweep()
    promtool()
    with ThreadPoolExecutor() as pool:
        list(pool.map(installed, RELEASES))
