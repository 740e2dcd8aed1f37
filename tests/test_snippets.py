"""What tutorials type, I: losses, attention, samples, gradients of inputs. Each runs as typed and is right."""

import math

import numpy as np
import pytest
from scipy import special, stats

import specframe as sf
from specframe import ops


@pytest.fixture(autouse=True)
def same_numbers():
    sf.manual_seed(0)
    yield
    sf.manual_seed(None)


def grad(fn, *tensors):
    """The value of a scalar fn and the gradients of the tensors."""
    for tensor in tensors:
        tensor.requires_grad, tensor.grad = True, None
    with sf.Tape() as tape:
        loss = fn(*tensors)
    tape.backward(loss)
    return loss, *(tensor.grad for tensor in tensors)


# ---- losses ----------------------------------------------------------------------------------------------------


def test_mean_squared_error_by_hand():
    w, x, y = sf.randn(3), sf.randn(8, 3), sf.randn(8)
    loss, g = grad(lambda w: ((x @ w - y) ** 2).mean(), w)
    np.testing.assert_allclose(g, 2 / 8 * x.numpy().T @ (x.numpy() @ w.numpy() - y.numpy()), rtol=1e-5)
    assert float(loss) == pytest.approx(ops.mse_loss(x @ w, y).item())


def test_logistic_regression():
    w, x, y = sf.tensor([0.5, -1.0]), sf.tensor([[1.0, 2.0], [3.0, 0.0]]), sf.tensor([0.0, 1.0])

    def bce(w):
        p = ops.sigmoid(x @ w)
        return -(y * p.log() + (1 - y) * (1 - p).log()).mean()

    _, g = grad(bce, w)
    np.testing.assert_allclose(g, (special.expit(x.numpy() @ w.numpy()) - y.numpy()) @ x.numpy() / 2)


def test_cross_entropy_by_picking_log_probabilities():
    logits, labels = sf.randn(5, 4, dtype=np.float64), np.array([0, 3, 1, 1, 2])
    by_hand, g = grad(lambda x: -ops.log_softmax(x)[np.arange(5), labels].mean(), logits)
    built_in, g_built_in = grad(lambda x: ops.cross_entropy(x, labels), logits)
    assert by_hand.item() == pytest.approx(built_in.item())
    np.testing.assert_allclose(g, g_built_in, atol=1e-15)


def test_one_hot_labels_and_label_smoothing():
    logits, labels = sf.randn(5, 4), np.array([0, 3, 1, 1, 2])
    target = 0.9 * np.eye(4, dtype=np.float32)[labels] + 0.1 / 4
    loss, g = grad(lambda x: -(target * ops.log_softmax(x, axis=1)).sum(axis=1).mean(), logits)
    np.testing.assert_allclose(g, (special.softmax(logits.numpy(), 1) - target) / 5, atol=1e-6)
    assert loss > 0


def test_huber_loss():
    d = sf.tensor([-3.0, -0.5, 0.0, 0.5, 3.0])
    loss, g = grad(lambda d: (0.5 * d.abs().clip(max=1.0) ** 2 + (d.abs() - 1).clip(min=0)).sum(), d)
    assert loss.item() == 0.125 * 2 + 2.5 * 2
    np.testing.assert_allclose(g, [-1, -0.5, 0, 0.5, 1])


def test_hinge_loss():
    scores, sign = sf.tensor([2.0, 0.5, -1.0]), np.array([1.0, 1.0, -1.0])
    loss, g = grad(lambda s: ops.maximum(1 - sign * s, 0).mean(), scores)
    assert f"{loss:.4f}" == "0.1667"
    np.testing.assert_allclose(g, [0, -1 / 3, 1 / 6])  # at the kink half of it


def test_focal_loss():
    logits, labels = sf.randn(6, 3, dtype=np.float64), np.array([0, 1, 2, 2, 1, 0])

    def focal(x):
        log_p = ops.log_softmax(x)[np.arange(6), labels]
        return -((1 - log_p.exp()) ** 2 * log_p).mean()

    p = special.softmax(logits.numpy(), 1)[np.arange(6), labels]
    assert focal(logits).item() == pytest.approx(np.mean(-((1 - p) ** 2) * np.log(p)))
    sf.gradcheck(focal, logits.data)


def test_dice_loss_of_a_mask():
    logits, mask = sf.randn(4, 5), (np.arange(20).reshape(4, 5) % 3 == 0).astype(np.float32)
    p = ops.sigmoid(logits)
    loss = 1 - 2 * (p * mask).sum() / (p.sum() + mask.sum())
    assert 0 < loss.item() < 1


def test_triplet_loss():
    anchor, near, far = sf.randn(4, 8), sf.randn(4, 8), sf.randn(4, 8)
    distance = lambda a, b: ((a - b) ** 2).sum(axis=1)  # noqa: E731
    loss, g = grad(lambda a: ops.relu(distance(a, near) - distance(a, far) + 1.0).mean(), anchor)
    assert loss >= 0 and g.shape == (4, 8)


def test_contrastive_loss_of_two_views():
    one, two = sf.randn(4, 8, dtype=np.float64), sf.randn(4, 8, dtype=np.float64)

    def info_nce(one, two):
        one = one / (one**2).sum(axis=1, keepdims=True).sqrt()
        two = two / (two**2).sum(axis=1, keepdims=True).sqrt()
        return ops.cross_entropy(one @ two.T / 0.1, np.arange(4))

    sf.gradcheck(info_nce, one.data, two.data)


def test_distillation_by_a_frozen_teacher():
    student, teacher = sf.randn(4, 3, dtype=np.float64), sf.randn(4, 3, dtype=np.float64, requires_grad=True)

    def kl(student):
        target = ops.softmax(teacher / 2).detach()
        return (target * (target.log() - ops.log_softmax(student / 2))).sum(axis=-1).mean()

    loss, _ = grad(kl, student)
    expected = stats.entropy(special.softmax(teacher.numpy() / 2, 1), special.softmax(student.numpy() / 2, 1), axis=1)
    assert loss.item() == pytest.approx(expected.mean()) and teacher.grad is None


def test_total_variation_of_a_picture():
    image = sf.tensor([[0.0, 1.0], [3.0, 1.0]])
    loss, g = grad(lambda x: (x[1:] - x[:-1]).abs().sum() + (x[:, 1:] - x[:, :-1]).abs().sum(), image)
    assert loss.item() == 6
    np.testing.assert_array_equal(g, [[-2, 1], [2, -1]])


def test_gram_matrix_of_a_style():
    features = sf.randn(6, 5, 2, 3)  # (rows, cols, batch, channels)
    flat = features.transpose(2, 3, 0, 1).reshape(2, 3, -1)
    gram = flat @ flat.transpose(-2, -1) / flat.shape[-1]
    expected = np.einsum("rcbi,rcbj->bij", features.numpy(), features.numpy()) / 30
    np.testing.assert_allclose(gram.numpy(), expected, rtol=1e-4, atol=1e-5)


# ---- attention and sequences -------------------------------------------------------------------------------------


def test_scaled_dot_product_attention_that_looks_back_only():
    q, k, v = (sf.randn(2, 5, 4, dtype=np.float64) for _ in range(3))
    future = np.triu(np.full((5, 5), -np.inf), k=1)

    def attend(q, k, v):
        weights = ops.softmax(q @ k.transpose(-2, -1) / math.sqrt(4) + future, axis=-1)
        return weights @ v

    np.testing.assert_allclose(attend(q, k, v).numpy()[:, 0], v.numpy()[:, 0])
    sf.gradcheck(attend, q.data, k.data, v.data)


def test_attention_with_several_heads():
    batch, length, heads, size = 2, 5, 3, 4
    x, w = sf.randn(batch, length, heads * size), sf.randn(heads * size, 3 * heads * size)
    qkv = (x @ w).reshape(batch, length, 3, heads, size).transpose(2, 0, 3, 1, 4)
    q, k, v = qkv
    weights = ops.softmax(q @ k.transpose(-1, -2) / size**0.5)
    y = (weights @ v).transpose(0, 2, 1, 3).reshape(batch, length, -1)
    assert y.shape == x.shape
    np.testing.assert_allclose(weights.sum(axis=-1).numpy(), 1, rtol=1e-5)


def test_positions_as_waves():
    position, frequency = sf.arange(10)[:, None], 10000 ** (-np.arange(0, 8, 2) / 8)
    angle = (position * frequency).numpy()
    encoding = ops.stack([sf.tensor(np.sin(angle)), sf.tensor(np.cos(angle))], axis=-1).reshape(10, 8)
    np.testing.assert_allclose((encoding**2).sum(axis=1).numpy(), 4)


def test_a_bag_of_words():
    table, words = sf.randn(10, 4), [[1, 2, 2], [0, 9, 1]]
    _, g = grad(lambda table: ops.embedding(words, table).mean(axis=1).sum(), table)
    np.testing.assert_allclose(g[:, 0], [1 / 3, 2 / 3, 2 / 3, 0, 0, 0, 0, 0, 0, 1 / 3], rtol=1e-6)


def test_log_sum_exp():
    x = sf.tensor([1000.0, 1000.0, 999.0])
    top = x.max()
    y = top + (x - top).exp().sum().log()
    assert y.item() == pytest.approx(special.logsumexp(x.numpy()))


def test_cosine_similarity_of_all_pairs():
    a = sf.randn(3, 5)
    n = a / (a**2).sum(axis=1, keepdims=True).sqrt()
    assert np.allclose((n @ n.T)[range(3), range(3)], 1, rtol=1e-5)


def test_distances_of_all_pairs():
    a, b = sf.randn(4, 3, dtype=np.float64), sf.randn(5, 3, dtype=np.float64)
    d = ((a[:, None] - b[None, :]) ** 2).sum(axis=-1).sqrt()
    nearest = (-d).argmax(axis=1)
    np.testing.assert_allclose(d.min(axis=1).numpy(), d[range(4), nearest].numpy())


# ---- samples and decisions ---------------------------------------------------------------------------------------


def test_reparameterised_sample_and_its_divergence():
    mean, log_var = sf.zeros(2, 3), sf.zeros(2, 3)

    def loss(mean, log_var):
        z = mean + (log_var / 2).exp() * sf.randn(2, 3)
        divergence = -0.5 * (1 + log_var - mean**2 - log_var.exp()).sum(axis=1).mean()
        return divergence + 0 * z.sum()

    value, g_mean, g_log_var = grad(loss, mean, log_var)
    assert value.item() == 0 and not g_mean.any() and not g_log_var.any()


def test_gumbel_softmax():
    logits, u = sf.zeros(1000, 3), sf.rand(1000, 3).clip(1e-6, 1 - 1e-6)
    y = ops.softmax((logits - (-u.log()).log()) / 0.1)
    share = y.mean(axis=0).numpy()
    np.testing.assert_allclose(share, 1 / 3, atol=0.06)


def test_policy_gradient():
    logits, actions, rewards = sf.zeros(4, 2), np.array([0, 1, 0, 0]), np.array([1.0, -1.0, 1.0, 0.0], np.float32)
    _, g = grad(lambda x: -(ops.log_softmax(x)[np.arange(4), actions] * rewards).mean(), logits)
    np.testing.assert_allclose(g, [[-0.125, 0.125], [-0.125, 0.125], [-0.125, 0.125], [0, 0]])


def test_target_of_q_learning():
    q, q_next, action, done = sf.randn(3, 4), sf.randn(3, 4), np.array([1, 0, 3]), np.array([0, 0, 1])
    with sf.no_grad():
        target = 1.0 + 0.9 * q_next.max(axis=1) * (1 - done)
    loss, g = grad(lambda q: ops.mse_loss(q[np.arange(3), action], target), q)
    assert target[2].item() == 1.0 and (g != 0).sum() == 3 and loss >= 0


def test_mixing_two_pictures():
    x, share = sf.rand(4, 4, 6, 3), 0.3
    mixed = share * x + (1 - share) * x[:, :, ::-1]
    assert mixed.shape == x.shape and mixed.max() <= 1


# ---- gradients of inputs -----------------------------------------------------------------------------------------


def test_the_fast_gradient_sign_attack():
    x, w = sf.zeros(4), sf.tensor([1.0, -2.0, 0.0, 3.0])
    _, g = grad(lambda x: (x * w).sum(), x)
    attacked = (x.detach() + 0.1 * np.sign(g)).clip(-1, 1)
    np.testing.assert_allclose(attacked.numpy(), [0.1, -0.1, 0, 0.1], rtol=1e-6)


def test_where_a_score_comes_from():
    image = sf.randn(4, 4, 1, 3)
    _, g = grad(lambda x: x[1, 2].abs().sum(), image)
    saliency = np.abs(g).max(axis=-1)[..., 0]
    assert saliency[1, 2] == 1 and saliency.sum() == 1


def test_rosenbrocks_valley():
    p = sf.tensor([-1.0, 1.0], requires_grad=True)
    for _ in range(500):
        with sf.Tape() as tape:
            x, y = p
            f = (1 - x) ** 2 + 5 * (y - x**2) ** 2
        tape.backward(f)
        p.data -= 0.02 * p.grad
        p.grad = None
    assert float(f) < 1e-2 and abs(p - 1).max() < 0.3
