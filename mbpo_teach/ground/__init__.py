"""What every room stands on: checks, randomness, languages, files, many jobs.

It says what an argument may be and where a world comes in. Nothing here knows of learning.
"""
