"""Exercises and their checks: what a learner's answer is compared with, and what it is told."""

from mbpo_teach.grading.check import check

__all__ = ["check"]
