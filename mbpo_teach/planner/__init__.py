"""Planning in the learned model instead of learning a policy: what PETS does.

Chapter 8.
"""
