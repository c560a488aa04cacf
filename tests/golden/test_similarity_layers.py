"""Kornblith et al. 2019, Table 2: linear CKA matches layers of two networks (99.3 %), CCA does not (1.4, 10.6 %).

Only the order is asked for, where features outnumber examples: every canonical correlation is then 1.
"""

from __future__ import annotations

import numpy as np

from bench.core.contract import generator
from bench.kernels.similarity_cca import basis, mean_squared_correlation
from bench.kernels.similarity_cka import alignment, linear_gram
from bench.models.layered import digits, hidden, initialise, train

LAYERS, EXAMPLES, LEARNT = 5, 40, 1200  # 40 examples, 64 features


def matched(scores):
    """Share of layers whose most alike layer in the other network is the same one; ties by lot."""
    best = np.isclose(scores, scores.max(axis=1, keepdims=True), rtol=1e-9)
    return float((np.diag(best) / best.sum(axis=1)).mean())


def layers(seed):
    rng, (images, labels) = generator("kornblith", seed), digits()
    network = train(initialise(rng, kind="tanh", layers=LAYERS), images[:LEARNT], labels[:LEARNT], rng, steps=100)
    return hidden(network, images[LEARNT : LEARNT + EXAMPLES])


def test_linear_cka_matches_layers_of_two_networks_where_canonical_correlation_cannot():
    networks = [layers(seed) for seed in range(4)]
    grams = [linear_gram(np.stack(one)) for one in networks]
    bases = [[basis(one) for one in network] for network in networks]
    pairs = [(0, 1), (2, 3)]
    by_cka = np.mean([matched(alignment(grams[a], grams[b])) for a, b in pairs])
    by_cca = np.mean([matched(mean_squared_correlation(bases[a], bases[b])) for a, b in pairs])
    assert by_cca == 1 / LAYERS
    assert by_cka > by_cca + 0.3
