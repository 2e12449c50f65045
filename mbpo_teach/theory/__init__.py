"""The paper's quantities and bounds, exact where a table makes them so.

NumPy only; chapters 3 to 5.
"""
