"""Figures draw the data they are given; they never train and never sample."""
