"""The learned model of a world: how it is fitted, imagined with, and how wrong it is.

Chapters 2, 3 and 5.
"""
