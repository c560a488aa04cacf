"""Planted brains: what a known source looks like in a recording."""
