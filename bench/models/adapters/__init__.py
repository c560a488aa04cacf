"""Models of other libraries in, and ours out as modules whose hooks other libraries can use.

`of_transformer_lens` and `of_interpbench_2024` read weights and configuration from plain files and need none of the
libraries; `python -P -m bench.models.adapters` converts from the command line. See docs/adapters.md.
"""
