"""What rules ask of the machine."""

from types import SimpleNamespace

import pytest

from bench.core.running import LIMITS
from bench.core.snakemake_glue import memory_mb


@pytest.mark.parametrize("size", LIMITS)
def test_a_job_asks_for_more_memory_than_its_method_may_use(size):
    asked = memory_mb(SimpleNamespace(job=f"{size}.0123456789ab")) * 2**20
    assert LIMITS[size].memory_bytes < asked < LIMITS[size].memory_bytes + 2**30
