# SPDX-License-Identifier: MIT
"""Tests of the ring of frames: real shared memory, real processes."""
