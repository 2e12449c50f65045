"""The model-free learner inside MBPO: soft actor-critic.

And a line of hills on which its losses can be seen. Chapter 6.
"""
