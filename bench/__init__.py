"""InterpBench: interpretability methods scored where the answer is known."""
