"""Contract, catalogue, store, supervisor, records, hashing and statistics. Imports no torch."""
