"""The residual graph has the published edge counts, and its names and order are fixed."""

import subprocess
import sys

import numpy as np
import pytest

from bench.models.checkpoint import Config
from bench.models.graph import Graph


def shape(layers=2, heads=1, mlp=4, positions="learned"):
    return Config(
        n_layers=layers, n_heads=heads, n_kv_heads=1, d_model=4, d_head=2, d_mlp=mlp, d_vocab=3, d_out=3, n_ctx=4,
        positions=positions,
    )  # fmt: skip


@pytest.mark.parametrize(("layers", "edges"), [(4, 106), (2, 38)])
def test_acdc_counts_of_the_two_tracr_models(layers, edges):
    """Conmy et al. 2023, table 3: |E| of reverse and xproportion."""
    assert len(Graph(shape(layers), "acdc").edges) == edges


@pytest.mark.parametrize(("layers", "edges"), [(4, 77), (2, 23)])
def test_qkv_counts_with_positions_as_part_of_the_embedding(layers, edges):
    assert len(Graph(shape(layers), "qkv", merge_pos=True).edges) == edges
    assert len(Graph(shape(layers, positions="rotary"), "qkv").edges) == edges


def test_names_and_order_at_every_granularity():
    config = shape(layers=1, heads=2)
    assert Graph(config, "qkv").nodes == ("embed", "pos", "a0.h0", "a0.h1", "m0", "output")
    assert Graph(config, "qkv").slots == (
        "a0.h0.q", "a0.h0.k", "a0.h0.v", "a0.h1.q", "a0.h1.k", "a0.h1.v", "m0", "output",
    )  # fmt: skip
    assert Graph(config, "node").edges == ("embed->*", "pos->*", "a0.h0->*", "a0.h1->*", "m0->*")
    assert Graph(config, "head").edges == (
        "embed->a0.h0", "pos->a0.h0", "embed->a0.h1", "pos->a0.h1", "embed->m0", "pos->m0", "a0.h0->m0", "a0.h1->m0",
        "embed->output", "pos->output", "a0.h0->output", "a0.h1->output", "m0->output",
    )  # fmt: skip
    assert Graph(config, "acdc").edges[:4] == ("embed->a0.h0.q", "pos->a0.h0.q", "a0.h0.q->a0.h0", "embed->a0.h0.k")


def test_attention_only_models_have_no_mlp_nodes():
    graph = Graph(shape(mlp=0, heads=2, positions="none"), "head")
    assert graph.nodes == ("embed", "a0.h0", "a0.h1", "a1.h0", "a1.h1", "output")
    assert len(graph.edges) == 2 * 1 + 2 * 3 + 5


def test_parents_and_children_of_a_node():
    graph = Graph(shape(heads=2), "qkv")
    assert graph.parents("a1.h0.k") == ("embed", "pos", "a0.h0", "a0.h1", "m0")
    assert graph.parents("m1") == ("embed", "pos", "a0.h0", "a0.h1", "m0", "a1.h0", "a1.h1")
    assert graph.children("m0") == ("a1.h0", "a1.h1", "m1", "output")
    assert graph.children("a0.h0") == ("m0", "a1.h0", "a1.h1", "m1", "output")
    assert Graph(shape(), "qkv", merge_pos=True).parents("a0.h0") == ("embed",)


def test_prune_drops_what_is_on_no_path_from_input_to_output():
    graph = Graph(shape(layers=2, positions="none"), "head")
    kept = ["embed->a0.h0", "a0.h0->m1", "m1->output"]
    leads_nowhere = ["embed->a1.h0"]
    comes_from_nowhere = ["m0->m1"]
    circuit = np.isin(graph.edges, kept + leads_nowhere + comes_from_nowhere)
    assert [graph.edges[i] for i in np.flatnonzero(graph.prune(circuit))] == kept


def test_prune_needs_the_inner_edge_of_an_acdc_head():
    graph = Graph(shape(layers=1, positions="none"), "acdc")
    path = ["embed->a0.h0.v", "a0.h0.v->a0.h0", "a0.h0->output"]
    whole = np.isin(graph.edges, path)
    np.testing.assert_array_equal(graph.prune(whole), whole)
    assert not graph.prune(np.isin(graph.edges, [path[0], path[2]])).any()
    assert not graph.prune(np.isin(graph.edges, path[1:])).any()


def test_coarse_values_are_the_largest_of_what_they_are_made_of():
    fine, coarse = Graph(shape(), "acdc"), Graph(shape(), "head")
    values = np.zeros(len(fine.edges))
    values[fine.edges.index("pos->a1.h0.k")] = 3.0
    values[fine.edges.index("a1.h0.k->a1.h0")] = 9.0
    coarsened = fine.coarsen(values, coarse)
    assert coarse.edges[int(coarsened.argmax())] == "pos->a1.h0"
    assert sorted(coarsened)[-2:] == [0.0, 3.0]


def test_an_unknown_granularity_is_refused():
    with pytest.raises(ValueError, match="granularity is 'edge'"):
        Graph(shape(), "edge")


def test_graph_and_exhaustive_import_no_torch():
    code = "import sys, bench.models.graph, bench.models.exhaustive; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
