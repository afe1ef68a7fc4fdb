# SPDX-License-Identifier: MIT
"""Owns the frames on their way to applications: a ring in shared memory, its writer and its readers."""
