"""EEG and MEG: from a BIDS folder to a clean recording, its trials, a report and the sidecars that say how."""
