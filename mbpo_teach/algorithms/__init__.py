"""Whole algorithms: SAC alone, MBPO, their settings, and what they reached.

Chapters 6 and 7.
"""
