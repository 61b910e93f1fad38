"""Generators are functions of their key."""

from topobench.seeds import generator, seed_of


def test_same_key_same_draws_and_other_key_other_draws():
    assert generator(0, "batch", 3).random(4).tolist() == generator(0, "batch", 3).random(4).tolist()
    seeds = {seed_of(seed, word, step) for seed in (0, 1) for word in ("batch", "weights") for step in range(50)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_keys_do_not_run_into_each_other():
    assert seed_of(1, 23) != seed_of(12, 3)
