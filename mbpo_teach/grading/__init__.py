"""Exercises and their checks: what a learner's answer is compared with, and what it is told."""
