"""Trainings in folders, which go on from wherever they were killed, and grids of them.

Chapter 7.
"""
