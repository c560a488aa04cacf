"""Closeness of two numbers."""

import math


def closeness(a, b):
    return math.exp(-abs(a - b))
