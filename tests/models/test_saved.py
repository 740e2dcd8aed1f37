"""A file of a net of ours gives the net back, on any way of asking; what is not ours gives arrays, and never runs."""

import json
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

import specframe as sf
from specframe import models, ops
from specframe.layers import BatchNorm2d, Linear, Module, Sequential, SpectralBlock
from specframe.models import AlexNet, DenseNet, LeNet5, SpecAlexNet, SpecDenseNet, SpecLeNet5, SpecVGG16, saved

FORMATS = [".npz", ".safetensors"]
SMALL = {"width": 0.05, "image_size": 32}


@pytest.fixture(params=FORMATS)
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors", reason="safetensors is not installed (pip install -e '.[test]')")
    return tmp_path / f"net{request.param}"


def changed(net):
    """The net, with other numbers everywhere than a new one has."""
    rng = np.random.default_rng(5)
    net.load_state_dict({name: array + rng.random(array.shape).astype(array.dtype) / 100
                         for name, array in net.state_dict().items()})  # fmt: skip
    return net


def same_state(one, other):
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(
        one[n].tobytes() == other[n].tobytes() and one[n].dtype == other[n].dtype for n in one
    )


NETS = {
    "LeNet5": LeNet5(3, 7, image_size=12, seed=1),
    "SpecLeNet5": SpecLeNet5(beta=1.25, scale=3.0, grid=(34, 35), norm="backward", gain=2.0, seed=1),
    "SpecLeNet5 strict": SpecLeNet5(paper_strict=True, dtype=np.float64),
    "AlexNet": AlexNet(1, width=0.05, activation="tanh", batch_norm=True),
    "SpecAlexNet": SpecAlexNet(width=0.05, beta=[0.1, 0.2], scale=(2.0, 4.0), spectral_stages=2, batch_norm="pool"),
    "VGG16": models.VGG16(batch_norm=False, **SMALL),
    "SpecVGG16": SpecVGG16(spectral_stages=5, activation="arctan", rectify=False, **SMALL),
    "DenseNet": DenseNet(width=0.1, layers=2, activation="leaky_relu"),
    "SpecDenseNet": SpecDenseNet(width=0.1, layers=3, return_every=2, beta=[0.1] * 7, dtype=np.float64),
    "ResNet": models.ResNet(width=0.2, blocks=2),
    "SpecResNet": models.SpecResNet(width=0.2, blocks=1, beta=[0.1, 0.2, 0.3], spectral_stages=3, batch_norm="pool"),
}


@pytest.mark.parametrize("name", NETS)
def test_a_net_comes_back_and_computes_the_same(name, path):
    net = changed(NETS[name])
    net.save(path)
    again = sf.load(path)
    assert type(again) is type(net) and same_state(again, net) and again.made_with == net.made_with
    channels, size = net.made_with["in_channels"], net.made_with.get("image_size", 32)
    x = np.random.default_rng(0).standard_normal((size, size, 2, channels)).astype(net.parameters()[0].dtype)
    np.testing.assert_array_equal(again.eval()(x).numpy(), net.eval()(x).numpy())


def test_all_nets_of_the_package_are_among_them():
    ours = {
        name for name in models.__all__ if isinstance(kind := getattr(models, name), type) and issubclass(kind, Module)
    }
    assert ours == saved.NETS.keys() == {type(net).__name__ for net in NETS.values()}


def test_save_of_the_package_is_that_of_the_net_and_load_of_the_net_takes_the_file(path):
    net = SpecLeNet5(seed=4)
    sf.save(net, path)
    assert type(sf.load(path)) is SpecLeNet5
    assert same_state(SpecLeNet5().load(path), net)


def test_no_weight_is_drawn_for_a_net_that_is_read(path, monkeypatch):
    LeNet5().save(path)
    monkeypatch.setattr(np.random, "default_rng", lambda rng: rng if isinstance(rng, np.random.Generator) else None)
    assert type(sf.load(path)) is LeNet5


# ---- what gives arrays -----------------------------------------------------------------------------------------------


def other_head(net):
    net.fc3 = Linear(84, 3)


def other_beta(net):
    net.conv2.beta = 0.75


def smaller(net):
    net.fc1 = Linear(784, 2)


def another_layer(net):
    net.norm = BatchNorm2d(6)


def other_layer(net):
    net.pool = Sequential()


def other_precision(net):
    net.fc3.bias.data = net.fc3.bias.data.astype(np.float64)


@pytest.mark.parametrize("change", [other_head, other_beta, smaller, another_layer, other_layer, other_precision])
def test_a_net_that_was_changed_after_it_was_made_is_saved_as_its_arrays(change, path):
    net = SpecLeNet5()
    change(net)
    net.save(path)
    assert sf.load(path).keys() == net.state_dict().keys()


def test_another_activation_is_such_a_change_a_checkpoint_around_a_stage_is_none(path):
    net = AlexNet(**SMALL)
    net.stage = lambda number, x: sf.checkpoint(lambda x: AlexNet.stage(net, number, x), x)
    net.save(path)
    assert type(sf.load(path)) is AlexNet
    net.layers[0].activation = ops.tanh
    net.save(path)
    assert type(sf.load(path)) is dict


def test_of_other_modules_the_arrays_come_back(path):
    class LeNet5(models.LeNet5):
        """Of the same name as ours."""

    for module in (Sequential(Linear(2, 3)), SpectralBlock(1, 2, 3), LeNet5()):
        module.save(path)
        loaded = sf.load(path)
        assert type(loaded) is dict and loaded.keys() == module.state_dict().keys()


@pytest.mark.parametrize(
    "text",
    ['{"specframe": 2, "net": "LeNet5", "settings": {}}', '{"specframe": 1, "net": "Other", "settings": {}}',
     '{"specframe": 1, "net": "../LeNet5"}', '{"net": "LeNet5", "settings": {}}', "[1]", "null", '"LeNet5"', "{}"],
)  # fmt: skip
def test_what_a_later_or_another_program_says_is_passed_over(text, path, monkeypatch):
    monkeypatch.setattr(saved, "describe", lambda module: text)
    LeNet5().save(path)
    assert type(sf.load(path)) is dict


def test_an_archive_with_a_comment_of_somebody_elses_is_read(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(2), b=np.ones(3))
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as archive:
        archive.comment = b"made on a Monday"
    assert sorted(sf.load(tmp_path / "x.npz")) == ["a", "b"]


# ---- what is refused -------------------------------------------------------------------------------------------------

HUGE = 10**9


def says(net="LeNet5", **settings):
    return json.dumps({"specframe": 1, "net": net, "settings": settings})


@pytest.mark.parametrize(
    "text",
    ["{", "[" * 20_000, "1" * 5000, says(num_classes=3), says(other=3), says(seed=3), says(image_size="28"),
     says(num_classes=HUGE), says(image_size=HUGE), says(image_size=10**400), says(in_channels=HUGE), says("DenseNet"),
     says("AlexNet", width=HUGE), says("AlexNet", width=1e300), says("AlexNet", width=float("nan")),
     says("AlexNet", width=float("inf")), says("SpecDenseNet", layers=HUGE, width=0.01), says("DenseNet", layers="x"),
     says("SpecResNet", blocks=HUGE, width=0.01),
     says("SpecVGG16", spectral_stages=HUGE), says("SpecLeNet5", beta=[]), says("SpecLeNet5", grid={"a": 1}),
     '{"specframe": 1, "net": "LeNet5"}', '{"specframe": 1, "net": "LeNet5", "settings": [1]}',
     '{"specframe": 1, "net": ["LeNet5"], "settings": {}}'],
    ids=lambda text: text[:80],
)  # fmt: skip
def test_settings_that_do_not_belong_to_the_arrays_are_refused_in_a_sentence_and_in_little_memory(
    text, path, monkeypatch
):
    monkeypatch.setattr(saved, "describe", lambda module: text)
    LeNet5().save(path)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=rf"{path.name}: no net can be made of it: .") as caught:
            sf.load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 400 + len(str(path)) and "\n" not in str(caught.value)
    assert peak < 60 * path.stat().st_size  # of nets of one channel, a module costs more than its weights


def test_a_flipped_bit_never_gives_another_net(tmp_path):
    net, path = LeNet5(1, 2, image_size=4), tmp_path / "net.npz"
    net.save(path)
    whole = path.read_bytes()
    for bit in range(8 * (len(whole) - 400), 8 * len(whole), 3):  # the end of the directory, and the comment
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            loaded = sf.load(path)
        except ValueError as error:
            assert str(error).startswith(f"{path}: "), bit
        else:  # the mark of the comment is hit, or what says nothing, as a date
            assert type(loaded) is dict or (same_state(loaded, net) and loaded.made_with == net.made_with), bit


def test_the_text_of_an_archive_is_in_its_comment_where_numpy_passes_over_it(tmp_path):
    net = LeNet5()
    net.save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as file:
        assert sorted(file.files) == sorted(net.state_dict())
    comment = zipfile.ZipFile(tmp_path / "net.npz").comment
    text = saved.describe(net).encode()
    assert comment == b"specframe %08x " % zlib.crc32(text) + text
    assert json.loads(text) == {"specframe": 1, "net": "LeNet5", "settings": net.made_with}
