"""Cannot be imported."""

raise RuntimeError("no licence for the solver")
