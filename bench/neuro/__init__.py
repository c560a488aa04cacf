"""From recordings to clean arrays: haemodynamics, spikes, reliability between subjects, contiguous folds."""
