"""Measurements that take longer than a chapter has.

Each comes with the command, the seed, the settings and the versions that made it.
"""
