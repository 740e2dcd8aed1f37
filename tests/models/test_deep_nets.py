"""AlexNet, VGG16, DenseNet and their spectral twins: shapes, options, and what they save."""

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.models import VGG16, AlexNet, DenseNet, ResNet, SpecAlexNet, SpecDenseNet, SpecResNet, SpecVGG16
from specframe.models.common import per_stage
from specframe.models.resnet import shortcut

SPATIAL = [AlexNet, VGG16, DenseNet, ResNet]
SPECTRAL = [SpecAlexNet, SpecVGG16, SpecDenseNet, SpecResNet]
WIDTH = 1 / 16


def images(rng, count=2, channels=3, size=32):
    return sf.Tensor(rng.standard_normal((size, size, count, channels)).astype(np.float32))


def ledger(net, x, labels=(0, 1), **options):
    with sf.Tape(**options) as tape:
        loss = ops.softmax_cross_entropy(net(x), np.array(labels))
    tape.backward(loss)
    return tape.ledger


@pytest.mark.parametrize("net", SPATIAL + SPECTRAL)
def test_logits_have_a_row_an_image_and_a_column_a_class(net, rng):
    x = images(rng, 3, channels=1)
    logits = net(in_channels=1, num_classes=7, width=WIDTH)(x)
    assert logits.shape == (3, 7) and logits.dtype == np.float32


@pytest.mark.parametrize("net", SPATIAL + SPECTRAL)
def test_every_parameter_gets_a_gradient_and_the_seed_fixes_the_weights(net, rng):
    model = net(width=WIDTH, seed=4)
    ledger(model, images(rng))
    assert all(p.grad is not None and p.grad.shape == p.shape for p in model.parameters())
    again, other = net(width=WIDTH, seed=4).state_dict(), net(width=WIDTH, seed=5).state_dict()
    own = model.state_dict()
    first = next(name for name in own if name.endswith("weight") and own[name].ndim == 4)
    np.testing.assert_array_equal(own[first], again[first])
    assert not np.array_equal(own[first], other[first])


@pytest.mark.parametrize(("spatial", "spectral"), list(zip(SPATIAL, SPECTRAL, strict=True)))
def test_twins_start_from_the_same_weights_up_to_the_gain(spatial, spectral):
    def weights(net):
        return [p.data for name, p in net.named_parameters() if p.ndim == 4 or name == "fc.weight"]

    pairs = zip(weights(spatial(width=WIDTH)), weights(spectral(width=WIDTH, gain=1.0)), strict=True)
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("net", SPATIAL + SPECTRAL)
def test_width_scales_the_channels(net):
    narrow, wide = (sum(p.size for p in net(width=width).parameters()) for width in (1 / 16, 1 / 8))
    assert 2.5 < wide / narrow < 4.5


def test_channels_at_full_width_are_the_papers():
    convolutions = [p.shape for name, p in VGG16().named_parameters() if p.ndim == 4]
    assert [shape[0] for shape in convolutions] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert all(shape[2:] == (3, 3) for shape in convolutions)
    convolutions = [p.shape for name, p in AlexNet().named_parameters() if p.ndim == 4]
    assert [(s[0], s[2]) for s in convolutions] == [(64, 11), (192, 5), (384, 3), (256, 3), (256, 3)]


def test_resnet_has_the_shape_of_cifars_resnet_20(monkeypatch, rng):
    net = ResNet()
    assert sum(p.size for name, p in net.named_parameters() if p.ndim > 1) == 268_336  # He et al.: 0.27 M
    seen = sizes(monkeypatch, ["conv2d", "global_avg_pool2d"], lambda: net(images(rng)))
    maps = [(32, 32)] * 7 + [(16, 16)] * 6 + [(8, 8)] * 6
    assert seen == [*(("conv2d", size) for size in maps), ("global_avg_pool2d", (2, 64))]


def test_a_shortcut_keeps_every_second_pixel_and_adds_empty_channels(rng):
    x = images(rng, channels=4)
    y = shortcut(x, 7, 2).data
    np.testing.assert_array_equal(y[..., :4], x.data[::2, ::2])
    assert y.shape == (16, 16, 2, 7) and not y[..., 4:].any()
    assert shortcut(x, 4, 1) is x


# ---- Table 1 ---------------------------------------------------------------------------------------------------


def sizes(monkeypatch, names, run):
    """(op, rows and columns of its result) of these ops, in the order in which they run."""
    seen = []
    for name in names:
        real = getattr(ops, name)

        def spy(*args, real=real, name=name, **options):
            result = real(*args, **options)
            seen.append((name, result.shape[:2]))
            return result

        monkeypatch.setattr(ops, name, spy)
    run()
    return seen


def test_table_1_spatial_column(monkeypatch, rng):
    net, x = DenseNet(width=WIDTH), images(rng)
    seen = sizes(monkeypatch, ["conv2d", "max_pool2d", "global_avg_pool2d"], lambda: net(x))
    assert seen == [
        ("conv2d", (32, 32)), ("max_pool2d", (16, 16)), *[("conv2d", (16, 16))] * 12, ("global_avg_pool2d", (2, 28)),
    ]  # fmt: skip
    kernels = [p.shape[2] for name, p in net.named_parameters() if p.ndim == 4]
    assert sorted(kernels) == [1] * 6 + [3] * 7


def test_table_1_spectral_column(monkeypatch, rng):
    net, x = SpecDenseNet(width=WIDTH, paper_strict=True), images(rng)
    names = ["rfft2", "spectral_conv_act", "irfft2", "max_pool2d", "global_avg_pool2d"]
    seen = sizes(monkeypatch, names, lambda: net(x))
    grid_35, grid_19 = (35, 35 // 2 + 1), (19, 19 // 2 + 1)
    assert seen == [
        ("rfft2", grid_35), ("spectral_conv_act", grid_35), ("irfft2", (32, 32)), ("max_pool2d", (16, 16)),
        ("rfft2", grid_19), *[("spectral_conv_act", grid_19)] * 12, ("irfft2", (16, 16)),
        ("global_avg_pool2d", (2, 28)),
    ]  # fmt: skip


def test_the_dense_block_saves_its_parts_and_no_concatenation(rng):
    net = SpecDenseNet(width=WIDTH, batch_norm="none", beta=0.2, grid="circular", return_every=6)
    rows = ledger(net, images(rng), store="dense").rows
    growth, stem = 4, 4
    kept = {(row.op, row.shape) for row in rows if row.nbytes and row.array == "Z"}
    assert kept == {("spectral_conv_act", (32, 17, 2, stem)), ("spectral_conv_act", (16, 9, 2, growth))}
    maps = [row for row in rows if row.nbytes and len(row.shape) == 4 and row.format != "bits"]
    assert all(row.shape[-1] <= max(stem, growth) for row in maps)


# ---- options ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("net", SPECTRAL[:-1])  # a residual net keeps its sums, too: that is what its blocks transform
@pytest.mark.parametrize("batch_norm", ["pool", "spectral", "none"])
def test_no_kind_of_batch_normalisation_saves_a_dense_map(net, batch_norm, rng):
    model = net(width=WIDTH, batch_norm=batch_norm, beta=0.3)
    if net is SpecVGG16:
        model = net(width=WIDTH, batch_norm=batch_norm, beta=0.3, spectral_stages=5)
    rows = [row for row in ledger(model, images(rng), store="dense").rows if row.nbytes and len(row.shape) == 4]
    spectra = [row for row in rows if row.dtype == "complex64"]
    assert spectra and all(row.array == "Z" for row in spectra)
    maps = [row for row in rows if row.dtype == "float32"]  # pooled maps: what the next block transforms again
    assert all(row.shape[0] <= 16 for row in maps)


def test_spectral_stages_choose_how_many_stages_work_in_the_spectrum(rng):
    for stages in (0, 2, 5):
        ops_used = {row.op for row in ledger(SpecVGG16(width=WIDTH, spectral_stages=stages), images(rng)).rows}
        assert ("spectral_act" in ops_used) == (stages > 0)
        assert ("conv2d" in ops_used) == (stages < 5)


def test_beta_may_differ_from_stage_to_stage(rng):
    rows = ledger(SpecVGG16(width=WIDTH, spectral_stages=2, beta=[0.0, 50.0]), images(rng)).spectra()
    assert rows[:2] == [1.0, 1.0] and max(rows[2:]) < 0.5
    assert per_stage("beta", 0.5, 3) == [0.5] * 3
    rows = ledger(SpecVGG16(width=WIDTH, spectral_stages=2, beta=[0.0, [0.0, 50.0]]), images(rng)).spectra()
    assert rows[:3] == [1.0, 1.0, 1.0] and rows[3] < 0.5
    densities = ledger(SpecDenseNet(width=WIDTH, layers=1, beta=[0.0, 0.0, 50.0]), images(rng)).spectra()
    assert densities[:2] == [1.0, 1.0] and densities[2] < 0.5
    with pytest.raises(ValueError, match="SpectralBlock: expected one beta or 2, got 3"):
        SpecVGG16(width=WIDTH, beta=[[1, 2, 3], 0.0])
    with pytest.raises(ValueError, match="beta: expected one number or 3, got 2"):
        per_stage("beta", [1, 2], 3)


@pytest.mark.parametrize("net", SPECTRAL)
def test_unknown_batch_norm_is_refused(net):
    with pytest.raises(ValueError, match=rf"{net.__name__}: unknown batch_norm 'group'"):
        net(width=WIDTH, batch_norm="group")


def test_spectral_stages_out_of_range_are_refused():
    with pytest.raises(ValueError, match="spectral_stages must be 0 to 5, got 6"):
        SpecVGG16(width=WIDTH, spectral_stages=6)
    with pytest.raises(ValueError, match="SpecResNet: spectral_stages must be 0 to 3, got 4"):
        SpecResNet(width=WIDTH, spectral_stages=4)
    with pytest.raises(ValueError, match="ResNet: blocks must be a whole number, 1 or more, got 0"):
        ResNet(width=WIDTH, blocks=0)
    with pytest.raises(ValueError, match="return_every must be 1 or more, got 0"):
        SpecDenseNet(width=WIDTH, return_every=0)


def test_images_too_small_for_alexnet_are_refused():
    with pytest.raises(ValueError, match="at least 29 rows"):
        AlexNet(image_size=28)


# ---- strict, and not ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("net", SPECTRAL)
def test_paper_strict_has_no_normalisation_no_relu_and_plain_tanh(net, rng):
    rows = ledger(net(width=WIDTH, paper_strict=True, beta=0.2), images(rng)).rows
    assert not {"relu", "batch_norm2d", "spectral_batch_norm2d", "conv2d"} & {row.op for row in rows}
    assert any(row.op == "relu" for row in ledger(net(width=WIDTH), images(rng)).rows)
    scaled = net(width=WIDTH, paper_strict=True, scale=8.0)  # what is given counts
    block = next(module for module in scaled.modules() if hasattr(module, "scale"))
    assert block.scale == 8.0


def test_inside_the_spectrum_a_dense_block_sees_the_means_of_its_maps_only(rng):
    """Table 1 as printed, on a circular grid: shuffling the pixels of the pooled maps changes nothing (docs/errata.md);
    with a ReLU at each return it does."""
    pooled = rng.standard_normal((16, 16, 2, 4)).astype(np.float32)
    shuffled = rng.permutation(pooled.reshape(256, 2, 4)).reshape(pooled.shape)
    for options, blind in (({"return_every": 6, "rectify": False}, True), ({}, False)):
        net = SpecDenseNet(width=WIDTH, batch_norm="none", beta=0.1, grid="circular", **options)
        net.stem = net.pool = lambda x: x
        one, other = (net(sf.Tensor(maps)).data for maps in (abs(pooled), abs(shuffled)))
        assert (abs(one - other).max() < 1e-5 * abs(one).max()) == blind
