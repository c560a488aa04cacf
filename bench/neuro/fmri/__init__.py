"""Functional MRI from a BIDS folder to the canonical `Recording` and `Trials`, through nilearn and dipy."""
