# SPDX-License-Identifier: MIT
"""Owns `python -m tests.system`: builds the trees of all releases side by side, so that the tests find them ready."""

from concurrent.futures import ThreadPoolExecutor

from . import nspawn
from .installed import installed
from .root import RELEASES

if __name__ == "__main__":
    nspawn.sweep()
    with ThreadPoolExecutor() as pool:
        list(pool.map(installed, RELEASES))
