"""Sliders over figures: what a learner moves, and what moves with it."""
