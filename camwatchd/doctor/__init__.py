# SPDX-License-Identifier: MIT
"""Owns what a fleet engineer would check by hand: one module for each group of checks, facts apart from judgement."""
