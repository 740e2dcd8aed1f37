"""benchmarks/cost.py: what is compared, where curves cross, and that it can be drawn."""

import cost
import numpy as np
import pytest

from specframe.training import step_cost


def test_where_a_curve_falls_below_another_is_read_off_a_line_through_the_logarithms():
    assert cost.crossover([1, 10, 100], [4, 2, 1], [1, 2, 4]) == pytest.approx(10)
    assert cost.crossover([1, 100], [2, 1], [1, 2]) == pytest.approx(10)
    assert cost.crossover([3, 5], [1, 9], [2, 3]) == 3  # below from the start
    assert cost.crossover([3, 5], [2, 3], [1, 2]) is None


def test_a_sweep_changes_one_thing():
    for sweep, values in cost.SWEEPS.items():
        found = cost.points(sweep)
        assert [each.pop(sweep) for each in found] == values
        assert all(each == {name: value for name, value in cost.BASE.items() if name != sweep} for each in found)


def test_maps_have_unit_variance_and_most_of_their_energy_in_low_frequencies():
    x, y = cost.batch(32, 3)
    assert x.shape == (32, 32, cost.IMAGES, 3) and x.dtype == np.float32 and y.shape == (cost.IMAGES,)
    assert x.std() == pytest.approx(1, abs=1e-3)
    energy = (np.abs(np.fft.rfft2(x, axes=(0, 1))) ** 2).mean(axis=(2, 3))
    assert energy[:5, :5].mean() > 20 * energy[12:20, 10:].mean()


@pytest.mark.parametrize("spectral", [False, True])
def test_both_sides_train_and_save_what_depth_says(spectral):
    x, y = cost.batch(8, 2)
    one, two = (
        step_cost(cost.net(spectral, **cost.BASE | {"size": 8, "channels": 2, "depth": depth}), x, y)[0].nbytes
        for depth in (1, 2)
    )
    assert 0 < one < two


def test_the_chart_and_the_sentences_are_made_of_the_figures(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    values = cost.SWEEPS["kernel"]
    found = {"kernel": {side: [[10.0 * (n + 1) if "space" in side else 25.0, 1_000_000] for n in range(len(values))]
                        for side in cost.SIDES}}  # fmt: skip
    cost.report(found)
    told = capsys.readouterr().out
    assert "| kernel, pixels a side | 3 | 10.0, 1.00 | 25.0, 1.00 |" in told
    assert "specframe, time against kernel, pixels a side: the spectrum is below space from 6 on" in told
    assert "bytes against kernel, pixels a side: the spectrum is below space everywhere" in told
    cost.draw(found, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")
