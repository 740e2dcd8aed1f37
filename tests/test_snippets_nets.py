"""What tutorials type, II: nets, loops and what stands around them. Each runs as typed, but for the layout of maps."""

import copy

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.layers import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    GlobalAvgPool2d,
    LayerNorm,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    Tanh,
)  # fmt: skip
from specframe.optim import SGD, Adam


@pytest.fixture(autouse=True)
def same_numbers():
    sf.manual_seed(0)
    yield
    sf.manual_seed(None)


def step(optimizer, fn):
    """One step on the loss that fn computes; its value."""
    optimizer.zero_grad()
    with sf.Tape() as tape:
        loss = fn()
    tape.backward(loss)
    optimizer.step()
    return loss.item()


XOR = sf.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32), np.array([0, 1, 1, 0])


# ---- nets --------------------------------------------------------------------------------------------------------


def test_a_net_learns_xor():
    x, y = XOR
    net = Sequential(Linear(2, 16), Tanh(), Linear(16, 2))
    optimizer = SGD(net.parameters(), lr=0.5, momentum=0.9)
    losses = [step(optimizer, lambda: ops.cross_entropy(net(x), y)) for _ in range(200)]
    assert losses[-1] < 0.05 < losses[0] and (net(x).argmax(axis=1) == y).mean() == 1.0


class Residual(sf.Module):
    def __init__(self, channels):
        self.conv1, self.norm1 = Conv2d(channels, channels, 3, padding=1), BatchNorm2d(channels)
        self.conv2, self.norm2 = Conv2d(channels, channels, 3, padding=1), BatchNorm2d(channels)

    def forward(self, x):
        y = ops.relu(self.norm1(self.conv1(x)))
        return ops.relu(x + self.norm2(self.conv2(y)))


def test_a_residual_block():
    net = Sequential(Conv2d(1, 4, 3, padding=1), Residual(4), GlobalAvgPool2d(), Linear(4, 3))
    x, y = sf.randn(6, 6, 8, 1), np.arange(8) % 3  # (rows, cols, batch, channels)
    optimizer = Adam(net.parameters(), lr=1e-2)
    losses = [step(optimizer, lambda: ops.cross_entropy(net(x), y)) for _ in range(10)]
    assert losses[-1] < losses[0]


class Block(sf.Module):
    """A transformer's block."""

    def __init__(self, size, heads):
        self.heads = heads
        self.norm1, self.qkv, self.out = LayerNorm(size), Linear(size, 3 * size), Linear(size, size)
        self.norm2, self.mlp = LayerNorm(size), Sequential(Linear(size, 4 * size), ReLU(), Linear(4 * size, size))

    def forward(self, x):
        batch, length, size = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(batch, length, 3, self.heads, -1).transpose(2, 0, 3, 1, 4)
        mask = np.triu(np.full((length, length), -np.inf, np.float32), 1)
        weights = ops.softmax(q @ k.transpose(-2, -1) * (size // self.heads) ** -0.5 + mask)
        x = x + self.out((weights @ v).transpose(0, 2, 1, 3).reshape(batch, length, size))
        return x + self.mlp(self.norm2(x))


def test_a_block_of_a_transformer_looks_back_only():
    block, x = Block(8, 2), sf.randn(1, 5, 8)
    y = block(x)
    x.data[0, 3:] = 0
    np.testing.assert_array_equal(block(x)[0, :3].numpy(), y[0, :3].numpy())


def test_a_language_model_of_two_letters():
    text = "hello hello hello"
    letters = sorted(set(text))
    ids = np.array([letters.index(c) for c in text])
    table = sf.Parameter(sf.randn(len(letters), len(letters)).data)
    optimizer = SGD([table], lr=5.0)
    losses = [step(optimizer, lambda: ops.cross_entropy(ops.embedding(ids[:-1], table), ids[1:])) for _ in range(100)]
    assert losses[-1] < 0.3 and letters[table[letters.index("h")].argmax()] == "e"


def test_a_recurrent_cell():
    w, u = sf.Parameter(sf.randn(3, 4).data), sf.Parameter(0.5 * sf.randn(4, 4).data)
    x, h = sf.randn(6, 2, 3), sf.zeros(2, 4)
    with sf.Tape() as tape:
        states = []
        for x_t in x:
            h = (x_t @ w + h @ u).tanh()
            states.append(h)
        loss = (ops.stack(states) ** 2).mean()
    tape.backward(loss)
    assert u.grad.any() and len(states) == 6


def test_a_gated_cell():
    w, x, h = sf.randn(5, 12), sf.randn(2, 3), sf.zeros(2, 2)
    gates = ops.concatenate([x, h], axis=1) @ w[:, :4]
    z, r = ops.sigmoid(gates[:, :2]), ops.sigmoid(gates[:, 2:])
    candidate = (ops.concatenate([x, r * h], axis=1) @ w[:, 4:6]).tanh()
    h = (1 - z) * h + z * candidate
    assert h.shape == (2, 2) and abs(h).max() <= 1


def test_an_autoencoder():
    encoder, decoder = Sequential(Linear(8, 2), Tanh()), Linear(2, 8)
    x = sf.randn(32, 2) @ sf.randn(2, 8)
    optimizer = Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-2)
    losses = [step(optimizer, lambda: ops.mse_loss(decoder(encoder(x)), x)) for _ in range(100)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_step_of_each_side_of_a_gan():
    maker, judge = Sequential(Linear(2, 8), ReLU(), Linear(8, 2)), Sequential(Linear(2, 8), ReLU(), Linear(8, 1))
    of_maker, of_judge = Adam(maker.parameters(), lr=1e-2), Adam(judge.parameters(), lr=1e-2)
    bce = lambda p, target: -(target * p.log() + (1 - target) * (1 - p).log()).mean()  # noqa: E731
    real, noise = sf.randn(16, 2) + 3, sf.randn(16, 2)
    before = maker[0].weight.numpy().copy()

    fake = maker(noise).detach()
    step(of_judge, lambda: bce(ops.sigmoid(judge(real)), 1.0) + bce(ops.sigmoid(judge(fake)), 0.0))
    assert np.array_equal(maker[0].weight.numpy(), before)
    step(of_maker, lambda: bce(ops.sigmoid(judge(maker(noise))), sf.ones(16, 1)))
    assert not np.array_equal(maker[0].weight.numpy(), before)


def test_a_skip_connection_of_a_unet():
    down, up = Conv2d(1, 4, 3, padding=1), Conv2d(5, 1, 3, padding=1)
    x = sf.randn(4, 4, 2, 1)
    small = MaxPool2d(2)(down(x))
    large = small[:, None, :, None].transpose(0, 1, 2, 3, 4, 5)
    large = (large + sf.zeros(2, 2, 2, 2, 2, 4)).reshape(4, 4, 2, 4)  # every entry twice a row and twice a column
    np.testing.assert_array_equal(large[::2, ::2].numpy(), small.numpy())
    assert up(ops.concatenate([x, large], axis=-1)).shape == (4, 4, 2, 1)


def test_a_layer_of_ones_own_with_a_learned_temperature():
    class Scaled(sf.Module):
        def __init__(self):
            self.temperature = sf.Parameter(np.ones((), np.float32))

        def forward(self, x):
            return ops.softmax(x / self.temperature)

    layer = Scaled()
    with sf.Tape() as tape:
        loss = (layer(sf.tensor([1.0, 2.0])) ** 2).sum()
    tape.backward(loss)
    assert layer.temperature.grad < 0 and [name for name, _ in layer.named_parameters()] == ["temperature"]


def test_pad_and_convolve_by_slices():
    x, k = sf.arange(5.0), [0.25, 0.5, 0.25]
    padded = ops.pad(x, 1)
    y = sum(k[i] * padded[i : i + 5] for i in range(3))
    np.testing.assert_allclose(y.numpy(), np.convolve(x.numpy(), k, "same"))


def test_dropout_by_hand():
    x = sf.ones(1000)
    mask = sf.rand(1000) > 0.5
    y = x * mask / 0.5
    assert set(y.tolist()) == {0.0, 2.0} and abs(float(y.mean()) - 1) < 0.15


def test_standardised_columns():
    x = 3 * sf.randn(100, 4) + 7
    z = (x - x.mean(axis=0)) / (x.var(axis=0) + 1e-5).sqrt()
    assert np.allclose(z.mean(axis=0), 0, atol=1e-5) and np.allclose(z.var(axis=0), 1, atol=1e-3)


# ---- loops -------------------------------------------------------------------------------------------------------


def batches(x, y, size):
    return [(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]


def points():
    x = sf.randn(64, 2)
    return x, (x[:, 0] > x[:, 1]).astype(np.int64)


def test_a_loop_with_batches_a_mean_loss_and_a_line_an_epoch():
    x, y = points()
    net, lines = Linear(2, 2), []
    optimizer = SGD(net.parameters(), lr=0.5)
    for epoch in range(5):
        total, right = 0.0, 0
        for xb, yb in batches(x, y, 16):
            optimizer.zero_grad()
            with sf.Tape() as tape:
                logits = net(xb)
                loss = ops.cross_entropy(logits, yb)
            tape.backward(loss)
            optimizer.step()
            total += float(loss) * len(xb)
            right += (logits.argmax(axis=1) == yb).sum()
        lines.append(f"epoch {epoch}: loss {total / len(x):.3f}, accuracy {right / len(x):.1%}")
    assert lines[-1].startswith("epoch 4: loss 0.") and right > 55


@sf.no_grad()
def accuracy(net, x, y):
    net.eval()
    return np.mean([np.mean(np.argmax(net(xb), axis=1) == yb) for xb, yb in batches(x, y, 20)])


def test_evaluation_without_gradients():
    x, y = points()
    net = Sequential(Linear(2, 8), Dropout(0.5), Linear(8, 2))
    with sf.Tape() as tape:
        assert 0 <= accuracy(net, x, y) <= 1
    assert tape.ledger.nbytes == 0


def test_gradients_of_small_batches_add_up_to_that_of_the_whole():
    x, y = points()
    net = Linear(2, 2, dtype=np.float64)
    x = x.astype(np.float64)
    gradients = []
    for parts in ([(x, y)], batches(x, y, 16)):
        net.zero_grad()
        for xb, yb in parts:
            with sf.Tape() as tape:
                loss = ops.cross_entropy(net(xb), yb) / len(parts)
            tape.backward(loss)
        gradients.append(net.weight.grad)
    np.testing.assert_allclose(*gradients, rtol=1e-12)


def test_gradients_clipped_by_their_norm():
    net = Linear(4, 1)
    with sf.Tape() as tape:
        loss = (net(100 * sf.ones(8, 4)) ** 2).mean()
    tape.backward(loss)
    norm = sum(float((p.grad**2).sum()) for p in net.parameters()) ** 0.5
    for p in net.parameters():
        p.grad *= min(1.0, 1.0 / norm)
    assert sum(float((p.grad**2).sum()) for p in net.parameters()) == pytest.approx(min(1.0, norm**2), rel=1e-4)


def test_a_penalty_on_the_weights():
    net, x, y = Linear(3, 1), sf.randn(8, 3), sf.randn(8, 1)
    with sf.Tape() as tape:
        loss = ops.mse_loss(net(x), y) + 0.1 * sum((p**2).sum() for p in net.parameters())
    tape.backward(loss)
    plain = 2 / 8 * (net(x) - y).numpy().T @ x.numpy()
    np.testing.assert_allclose(net.weight.grad, plain + 0.2 * net.weight.numpy(), rtol=1e-4, atol=1e-6)


def test_a_moving_average_of_the_weights():
    net = Linear(2, 2)
    average = copy.deepcopy(net)
    net.weight.data += 1
    for slow, fast in zip(average.parameters(), net.parameters(), strict=True):
        slow.data = 0.9 * slow.data + 0.1 * fast.data
    np.testing.assert_allclose((net.weight - average.weight).numpy(), 0.9, rtol=1e-5)


def test_a_frozen_part_stays_as_it_is():
    body, head = Linear(2, 4), Linear(4, 2)
    for p in body.parameters():
        p.requires_grad = False
    before, (x, y) = body.weight.numpy().copy(), points()
    step(SGD(head.parameters(), lr=0.1), lambda: ops.cross_entropy(head(body(x).relu()), y))
    assert np.array_equal(body.weight.numpy(), before) and body.weight.grad is None and head.weight.grad is not None


def test_stop_when_it_no_longer_improves():
    w, best, patience = sf.Parameter(np.array(5.0)), float("inf"), 0
    while patience < 3:
        with sf.Tape() as tape:
            loss = (w - 2) ** 2
        tape.backward(loss)
        w.data, w.grad = w.data - 0.3 * w.grad, None
        best, patience = (loss.item(), 0) if loss < best - 1e-6 else (best, patience + 1)
    assert w.item() == pytest.approx(2, abs=1e-2)


def test_weights_are_kept_and_come_back(tmp_path):
    net, x = Sequential(Linear(2, 3), Tanh(), Linear(3, 1)), sf.randn(4, 2)
    sf.save(net.state_dict(), tmp_path / "net.npz")
    other = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
    other.load_state_dict(sf.load(tmp_path / "net.npz"))
    assert (net(x) == other(x)).all()


def test_a_seed_makes_it_all_again():
    def first_loss():
        sf.manual_seed(42)
        net, x = Linear(3, 2), sf.randn(4, 3)
        return ops.cross_entropy(net(x), np.array([0, 1, 0, 1])).item()

    assert first_loss() == first_loss()


def test_a_deep_net_in_less_memory():
    blocks, x = [Linear(16, 16) for _ in range(6)], sf.randn(32, 16, requires_grad=True)

    def run(wrap):
        x.grad = None
        with sf.Tape() as tape:
            y = x
            for block in blocks:
                y = wrap(lambda y, block=block: block(y).tanh().exp(), y)
            loss = y.mean()
        tape.backward(loss)
        return tape.ledger.nbytes, x.grad

    (kept, g), (kept_all, g_all) = run(sf.checkpoint), run(lambda fn, y: fn(y))
    assert kept < 0.7 * kept_all
    np.testing.assert_array_equal(g, g_all)


def test_an_op_of_ones_own():
    class Softplus(sf.Op):
        name = "softplus"

        @staticmethod
        def forward(ctx, x):
            ctx.save(x=x)
            return ctx.xp.logaddexp(x, 0)

        @staticmethod
        def backward(ctx, gy):
            return gy / (1 + ctx.xp.exp(-ctx["x"].dense()))

    sf.gradcheck(lambda x: sf.apply(Softplus, x), np.linspace(-2.0, 2.0, 5))


def test_a_learning_rate_search_prints_a_table():
    lines = []
    for lr in (0.01, 0.1, 1.0):
        w = sf.tensor([4.0], requires_grad=True)
        for _ in range(5):
            step(SGD([w], lr=lr), lambda w=w: (w**2).sum())
        lines.append(f"{lr:5.2f} {w[0]:8.4f}")
    assert lines == [" 0.01   3.6157", " 0.10   1.3107", " 1.00  -4.0000"]
