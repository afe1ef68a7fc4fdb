# SPDX-License-Identifier: MIT
"""Owns what all tests share: on a busy machine no example of hypothesis is wrong because it was slow."""

from hypothesis import settings

settings.register_profile("camwatchd", deadline=None)
settings.load_profile("camwatchd")
