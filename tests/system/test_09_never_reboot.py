# SPDX-License-Identifier: MIT
"""taken"""
