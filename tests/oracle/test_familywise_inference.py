"""The track `familywise_inference`: fields by closed form, methods against MNE and scipy, its scorer's mutants."""

import itertools

import mne
import numpy as np
import pytest
from scipy import special, stats

from bench.core.catalogue import load_plugin
from bench.core.config import ROOT
from bench.core.contract import InvalidAnswer, generator
from bench.kernels.clusters import cluster_masses, flipped_t_maps, step_up, t_maps, threshold_free
from bench.kernels.resampling import sign_flips
from bench.tracks.familywise_inference.types import Answer, Problem, check

TRACK = ROOT / "bench" / "tracks" / "familywise_inference"
FIELDS, SCORE = load_plugin(TRACK / "tasks" / "fields.py"), load_plugin(TRACK / "score.py")


ALL = 2**6  # sign flips of 7 subjects up to one sign of all; MNE 1.13 leaves one of them out when it is asked for "all"


def method(name):
    return load_plugin(TRACK / "methods" / f"{name}.py")


def made(instance, seed=0):
    return FIELDS.generate(instance, seed, generator("test", instance, seed), None)


def one_data_set(grid=(12,), subjects=7, seed=0):
    rng = np.random.default_rng(seed)
    effects = rng.normal(size=(1, subjects, int(np.prod(grid))))
    effects[:, :, 2:6] += 1.2
    return Problem(effects, list(grid))


@pytest.mark.parametrize("instance", ["focal", "smooth_null", "voxels_null"])
def test_fields_have_the_correlation_of_the_kernel(instance):
    """Variance 1 and exp(-d^2 / 4 w^2) along the first axis, up to what a ring of this size adds."""
    design = FIELDS.DESIGNS[instance]
    fields = FIELDS.draw_fields(design, 20_000, np.random.default_rng(0)).reshape(20_000, *design.grid)
    assert fields.var() == pytest.approx(1, abs=0.02)
    for away in (1, 2):
        expected = np.exp(-(away**2) / (4 * design.width**2)) if design.width else 0.0
        assert (fields * np.roll(fields, away, axis=1)).mean() == pytest.approx(expected, abs=0.02)


def test_regions_have_the_size_height_and_sign_of_their_design():
    for instance in ("brief", "opposed", "voxels"):
        design = FIELDS.DESIGNS[instance]
        for seed in range(20):
            mean = FIELDS.draw_mean(design, np.random.default_rng(seed))
            sizes = sorted((np.prod(lengths), abs(height)) for lengths, height in design.regions)
            found = sorted((int((np.abs(mean) == height).sum()), height) for _, height in sizes)
            assert found == [(size, height) for size, height in sizes]
            assert len(np.unique(np.sign(mean[mean != 0]))) == len(design.regions)


def test_one_active_site_alone_has_the_power_of_the_noncentral_t():
    """`focal`: the uncorrected t-test at its nominal level, over 400 data sets, within 4 standard errors."""
    found, heights = [], FIELDS.DESIGNS["focal"]
    for seed in range(5):
        problem, truth = made("focal", seed)
        found.append(method("uncorrected_t").solve(problem, None).p[truth.active] <= 0.05)
    found = np.concatenate(found)
    cut = stats.t.isf(0.025, heights.subjects - 1)
    expected = stats.nct.sf(cut, heights.subjects - 1, heights.regions[0][1])
    assert found.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / len(found)) + 1e-3)


def test_t_maps_under_flips_are_those_of_flipped_data():
    effects = one_data_set().effects
    flips = sign_flips(5, 7, np.random.default_rng(0))
    direct = [stats.ttest_1samp(flip[:, None] * effects[0], 0).statistic for flip in flips]
    np.testing.assert_allclose(flipped_t_maps(effects, flips)[0], direct, rtol=1e-9)
    with pytest.raises(ValueError, match="no effect in any subject"):
        t_maps(np.zeros((1, 3, 2)))


def neighbours(grid):
    sites = list(itertools.product(*map(range, grid)))
    return {one: [two for two in sites if sum(abs(a - b) for a, b in zip(one, two, strict=True)) == 1] for one in sites}


def clusters_by_hand(above, grid):
    """Connected sets of a map, by walking from neighbour to neighbour."""
    near, left, found = neighbours(grid), {site for site in np.ndindex(*grid) if above[site]}, []
    while left:
        edge = {left.pop()}
        cluster = set(edge)
        while edge:
            edge = {other for site in edge for other in near[site] if other in left}
            left -= edge
            cluster |= edge
        found.append(cluster)
    return found


@pytest.mark.parametrize("grid", [(9,), (4, 5)])
def test_clusters_are_those_found_by_walking(grid):
    maps = 2 * np.random.default_rng(3).normal(size=(6, *grid))
    mass, score = np.zeros_like(maps), np.zeros_like(maps)
    for row, sign in itertools.product(range(6), (1, -1)):
        for cluster in clusters_by_hand(sign * maps[row] > 1, grid):
            for site in cluster:
                mass[(row, *site)] = sum(abs(maps[(row, *other)]) for other in cluster)
        for height in np.arange(0.5, 10, 0.5):
            for cluster in clusters_by_hand(sign * maps[row] > height, grid):
                for site in cluster:
                    score[(row, *site)] += len(cluster) ** 0.5 * height**2 * 0.5
    flat = maps.reshape(2, 3, -1)
    np.testing.assert_allclose(cluster_masses(flat, 1.0, list(grid)).reshape(maps.shape), mass, atol=1e-12)
    np.testing.assert_allclose(threshold_free(flat, 0.5, list(grid)).reshape(maps.shape), score, atol=1e-12)


@pytest.mark.parametrize("grid", [(12,), (3, 4)])
def test_over_all_flips_cluster_p_values_are_those_of_mne(grid):
    problem = one_data_set(grid)
    found = method("cluster_mass").solve(problem, np.random.default_rng(0)).p[0].reshape(grid)
    threshold = float(special.stdtrit(6, 0.975))
    _, clusters, p, _ = mne.stats.permutation_cluster_1samp_test(
        problem.effects[0].reshape(7, *grid), threshold=threshold, n_permutations=ALL, tail=0, out_type="mask",
        verbose="error",
    )  # fmt: skip
    expected = np.ones(grid)
    for cluster, value in zip(clusters, p, strict=True):
        expected[cluster] = value
    assert len(p) >= 1
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_over_all_flips_the_largest_t_gives_the_p_values_of_mne():
    problem = one_data_set()
    found = method("max_statistic").solve(problem, np.random.default_rng(0)).p[0]
    _, expected, _ = mne.stats.permutation_t_test(problem.effects[0], n_permutations=ALL, verbose="error")
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_step_up_is_that_of_scipy():
    p = np.random.default_rng(0).random((4, 15)) ** 2
    np.testing.assert_allclose(step_up(p), stats.false_discovery_control(p, axis=1), rtol=1e-12)


def test_bonferroni_multiplies_the_p_of_single_sites():
    problem = one_data_set()
    alone = stats.ttest_1samp(problem.effects[0], 0).pvalue
    np.testing.assert_allclose(method("uncorrected_t").solve(problem, None).p[0], alone, rtol=1e-9)
    np.testing.assert_allclose(method("bonferroni").solve(problem, None).p[0], np.minimum(12 * alone, 1), rtol=1e-9)


def test_answers_that_are_no_p_values_are_refused():
    problem = one_data_set()
    for bad in (np.full((1, 11), 0.5), np.full((1, 12), -0.1)):
        with pytest.raises(InvalidAnswer):
            check(problem, Answer(bad))


# -- scorers: (found, active) -> overlap -------------------------------------------------------------------------------


def sound(found, active):
    return float(SCORE.dice(found, active).mean())


def power_alone(found, active):
    return float(found[active].mean())


def precision_alone(found, active):
    return float((found & active).sum() / max(found.sum(), 1))


ACTIVE = np.arange(20)[None] < 4


def marking_everything_is_no_better_than_half_of_what_is_there(scorer):
    assert scorer(np.ones_like(ACTIVE), ACTIVE) < scorer(np.arange(20)[None] < 2, ACTIVE)


def finding_more_of_what_is_there_is_better(scorer):
    assert scorer(np.arange(20)[None] < 1, ACTIVE) < scorer(ACTIVE, ACTIVE) == 1


@pytest.mark.parametrize(
    "sentence",
    [marking_everything_is_no_better_than_half_of_what_is_there, finding_more_of_what_is_there_is_better],
)
def test_the_sound_overlap_keeps_its_sentences(sentence):
    sentence(sound)


@pytest.mark.parametrize(
    ("scorer", "sentence"),
    [
        (power_alone, marking_everything_is_no_better_than_half_of_what_is_there),
        (precision_alone, finding_more_of_what_is_there_is_better),
    ],
    ids=["power_alone", "precision_alone"],
)
def test_a_broken_overlap_breaks_its_sentence(scorer, sentence):
    with pytest.raises(AssertionError):
        sentence(scorer)


def test_uncorrected_p_values_are_invalid_for_the_family_and_bonferroni_is_not():
    problem, truth = made("rough_null")
    values = {
        name: SCORE.score(problem, truth, method(name).solve(problem, None)) for name in ("uncorrected_t", "bonferroni")
    }
    assert values["uncorrected_t"]["invalid"] == 1
    assert values["uncorrected_t"]["family_wise_05"] == pytest.approx(1 - 0.95**40, abs=0.07)
    assert values["bonferroni"]["invalid"] == 0
