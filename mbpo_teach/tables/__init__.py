"""Worlds small enough to be written down, and Dyna, which learns in them.

States and actions can be counted, values solved for. NumPy only; chapters 1 and 3 to 5.
"""
