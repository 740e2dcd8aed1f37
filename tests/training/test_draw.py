"""draw: every op is a box, every kept byte stands somewhere, and a backward adds the norms of its gradients."""

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.models import SpecLeNet5
from specframe.training import draw as drawing

SVG = "{http://www.w3.org/2000/svg}"


def groups(picture, kind):
    """The <g> elements of a class, in order."""
    found = ElementTree.fromstring(picture).iter(f"{SVG}g")
    return [group for group in found if kind in group.get("class").split()]


def words(group):
    return [text.text for text in group.iter(f"{SVG}text")]


def nbytes(picture):
    return sum(int(desc.get("data-bytes")) for desc in ElementTree.fromstring(picture).iter(f"{SVG}desc"))


def leaf(*shape, seed=0):
    return sf.Tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32), requires_grad=True)


def lenet(be=None, **options):
    """(tape, loss, net) of a forward of SpecLeNet5 on eight small images."""
    be = be or sf.backend.get("cpu")
    net = SpecLeNet5(image_size=12).to(be)
    images = be.asarray(np.random.default_rng(0).random((12, 12, 8, 1), np.float32))
    with sf.Tape(**options) as tape:
        loss = ops.softmax_cross_entropy(net(sf.Tensor(images)), be.asarray(np.arange(8)))
    return tape, loss, net


def test_every_op_is_a_box_with_its_layer_in_the_order_of_the_tape():
    tape, *_ = lenet()
    boxes = [(box.get("data-layer"), box.get("data-op")) for box in groups(sf.draw(tape), "op")]
    assert boxes == [
        ("conv1", "spectral_conv_act"), ("conv1", "irfft2"), ("pool", "max_pool2d"),
        ("conv2", "rfft2"), ("conv2", "spectral_conv_act"), ("conv2", "irfft2"), ("pool", "max_pool2d"),
        ("flatten", "transpose"), ("flatten", "reshape"),
        ("fc1", "linear"), ("", "tanh"), ("fc2", "linear"), ("", "tanh"), ("fc3", "linear"),
        ("", "softmax_cross_entropy"),
    ]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"store": "csr"}, {"store": "mask8"}, {"recompute": "block"}], ids=str)
def test_the_bytes_on_the_picture_add_up_to_the_ledgers(be, options):
    tape, *_ = lenet(be, **options)
    assert nbytes(sf.draw(tape)) == tape.ledger.nbytes > 0


def test_bytes_of_a_checkpoint_and_of_what_came_without_a_gradient_are_counted_too():
    x, w = sf.Tensor(np.ones((6, 6, 1, 1), np.float32)), leaf(2, 1, 3, 3)
    with sf.Tape() as tape:
        X = ops.rfft2(ops.relu(x) + 1, (8, 8))  # not recorded; the map behind X is kept
        Z = sf.checkpoint(lambda X: ops.spectral_conv2d(X, w), X)
        ops.sum(ops.abs(Z))
    assert nbytes(sf.draw(tape)) == tape.ledger.nbytes >= 6 * 6 * 4


def test_what_is_moved_out_of_memory_is_said_and_not_counted():
    x = leaf(64, 64)
    with sf.Tape(store="offload") as tape:
        ops.sum(ops.tanh(x))
    picture = sf.draw(tape)
    assert nbytes(picture) == 0 and "16.4 kB moved out, offload dense" in picture


def test_a_value_says_its_shape_and_what_is_kept_of_it():
    tape, *_ = lenet()
    said = [words(value) for value in groups(sf.draw(tape), "value") if words(value)]
    assert said[0] == ["12 x 7 x 8 x 1  complex64", "computed again by rfft2"]
    (Z,) = [row for row in tape.ledger.rows if row.layer == "conv1" and row.array == "Z"]
    kept = f"{Z.nbytes} B {Z.format}, {100 * Z.density:.3g} % nonzero"
    assert said[1] == ["12 x 7 x 8 x 6  complex64", kept]
    assert said[2] == ["12 x 12 x 8 x 6  float32", "not kept"]
    assert said[-1] == ["scalar  float32", "not kept"]


def test_what_is_computed_again_is_dashed():
    def states(**options):
        values = groups(sf.draw(lenet(**options)[0]), "value")
        return [value.get("class").split()[1] for value in values if words(value)]

    plain, block = states(), states(recompute="block")
    assert plain[:5] == ["remade", "held", "dropped", "held", "remade"]
    assert block[:5] == ["remade", "held", "dropped", "remade", "remade"]  # the pooled map now, from Z
    assert re.search(r"\.remade \.line {[^}]*stroke-dasharray", sf.draw(lenet()[0]))


def test_lines_are_as_thick_as_their_share():
    x, y = leaf(100), leaf(100, 100)
    with sf.Tape() as tape:
        ops.sum(ops.tanh(x)) + ops.sum(ops.tanh(y))
    picture = sf.draw(tape)
    thick = [float(width) for width in re.findall(r"stroke-width: ([\d.]+)\" d=", picture)]
    assert len(thick) == 2 and 1.5 < thick[0] < 3 < 11 < thick[1] <= 12


def test_a_backward_adds_the_norms_of_the_gradients(be):
    tape, loss, net = lenet(be)
    before = sf.draw(tape)
    tape.backward(loss)
    after = sf.draw(tape)
    assert "gradient" not in before and before != after
    assert re.sub(r"  gradient [\d.e-]+", "", after).count("<text") > before.count("<text")
    (first, *_) = groups(after, "op")
    norms = [float(np.linalg.norm(be.to_host(p.grad))) for p in (net.conv1.weight, net.conv1.bias)]
    assert words(first)[1:] == [f"weight  6 x 1 x 5 x 5  gradient {norms[0]:.3g}", f"bias  6  gradient {norms[1]:.3g}"]
    assert words(groups(after, "value")[-1])[-1] == "gradient 1"  # of the loss itself


def test_gradients_are_what_they_are_without_a_picture():
    grads = []
    for look in (False, True):
        tape, loss, net = lenet()
        if look:
            sf.draw(tape)
            sf.draw(tape)
        tape.backward(loss)
        grads.append([parameter.grad for parameter in net.parameters()])
    for plain, drawn in zip(*grads, strict=True):
        np.testing.assert_array_equal(plain, drawn)


def test_a_leaf_that_is_used_several_times_has_one_box_and_the_norm_of_its_whole_gradient():
    x = leaf(5)
    with sf.Tape() as tape:
        loss = ops.sum(x * x + ops.tanh(x))
    sf.draw(tape)
    tape.backward(loss)
    picture = sf.draw(tape)
    (box,) = groups(picture, "outside")
    assert words(box) == ["a"]  # what the first op that reads it calls it
    said = next(words(value) for value in groups(picture, "value") if words(value))
    assert said == ["5  float32", "lives anyway", f"gradient {np.linalg.norm(x.grad):.3g}"]
    lines = list(ElementTree.fromstring(picture).iter(f"{SVG}path"))
    assert len(lines) == 3 + 3  # x three times; the product, tanh and the sum once each


def test_a_branch_that_no_gradient_came_through_has_no_norm():
    x = leaf(3)
    with sf.Tape() as tape:
        ops.tanh(x)
        loss = ops.sum(x)
    sf.draw(tape)
    tape.backward(loss)
    said = [words(value) for value in groups(sf.draw(tape), "value") if words(value)]
    assert [len(each) for each in said] == [3, 2, 3]  # x, tanh, sum


def test_boxes_do_not_overlap_and_lie_inside_the_picture():
    x = leaf(4, 4)
    with sf.Tape() as tape:
        h = x
        for _ in range(3):
            h = h + ops.relu(h) * ops.tanh(h)
        ops.sum(ops.concatenate([h, x], axis=1))
    root = ElementTree.fromstring(sf.draw(tape))
    boxes = [[float(rect.get(key)) for key in ("x", "y", "width", "height")]
             for rect in root.iter(f"{SVG}rect") if rect.get("class") == "box"]  # fmt: skip
    for (_, y, _, height), (_, below, *_) in itertools.pairwise(boxes):
        assert y + height < below
    assert max(x + width for x, _, width, _ in boxes) < float(root.get("width"))
    assert max(y + height for _, y, _, height in boxes) < float(root.get("height"))
    assert len({x for x, *_ in boxes}) > 1  # branches stand beside each other


def test_an_op_takes_the_place_of_an_input_that_is_not_needed_again():
    tape, *_ = lenet()
    root = ElementTree.fromstring(sf.draw(tape))
    assert len({rect.get("x") for rect in root.iter(f"{SVG}rect") if rect.get("class") == "box"}) == 1


def test_names_are_escaped():
    class Strange(sf.Op):
        name = '<a & "b"\x00>'

        @staticmethod
        def forward(ctx, x):
            return x + 1

        @staticmethod
        def backward(ctx, gy):
            return gy

    with sf.Tape() as tape, tape.saving.layer("<&'\x08>"):
        sf.apply(Strange, leaf(2))
    (box,) = groups(sf.draw(tape), "op")
    assert box.get("data-op") == words(box)[0] == '<a & "b"\ufffd>' and box.get("data-layer") == "<&'\ufffd>"


def test_the_same_forward_gives_the_same_text():
    assert sf.draw(lenet()[0]) == sf.draw(lenet()[0])


def test_the_text_is_written_to_a_file_and_shown_by_a_notebook(tmp_path):
    tape, *_ = lenet()
    picture = sf.draw(tape, tmp_path / "new" / "graph.svg")
    assert (tmp_path / "new" / "graph.svg").read_text(encoding="utf-8") == picture == picture._repr_svg_()
    assert isinstance(picture, str)


def test_a_tape_may_be_drawn_while_it_records():
    x = leaf(3)
    with sf.Tape() as tape:
        y = ops.tanh(x)
        first = sf.draw(tape)
        loss = ops.sum(y)
    assert len(groups(first, "op")) == 1 and len(groups(sf.draw(tape), "op")) == 2
    tape.backward(loss)
    assert x.grad is not None and "gradient" in sf.draw(tape)


def test_a_graph_does_not_keep_its_tape_or_its_arrays_alive():
    tape, loss, _ = lenet()
    sf.draw(tape)
    count = len(drawing._drawn)
    tape.backward(loss)
    assert tape.records == [] and not tape.saving._handles
    del tape
    assert len(drawing._drawn) == count - 1


@pytest.mark.parametrize("spent", [True, False])
def test_a_tape_without_records_is_refused(spent):
    x = leaf(3) if spent else sf.Tensor(np.ones(3))
    with sf.Tape() as tape:
        y = ops.sum(x)
    if spent:
        tape.backward(y)
    with pytest.raises(ValueError, match="draw: this tape holds no record"):
        sf.draw(tape)


def test_what_is_no_tape_is_refused():
    with pytest.raises(TypeError, match="draw: expected a Tape, got Tensor"):
        sf.draw(leaf(1))
