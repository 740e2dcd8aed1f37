"""The loop: it learns, writes its history, stops at Ctrl-C, and resumes to the bit."""

import math
import os
import signal

import numpy as np
import pytest

from specframe.data import DataLoader, Digits
from specframe.layers import BatchNorm2d, Dropout, Flatten, Linear, Sequential
from specframe.models import SpecLeNet5
from specframe.optim import SGD, OneCycleLR
from specframe.training import (
    Training,
    TrainingError,
    evaluate,
    first_bad_layer,
    fit,
    load_checkpoint,
    predict,
    save_checkpoint,
    step_cost,
)  # fmt: skip

EPOCHS, BATCH = 3, 32


@pytest.fixture(scope="module")
def digits():
    return Digits("train").subset(160), Digits("test").subset(100)


def make(digits, net=None):
    train = DataLoader(digits[0], BATCH, shuffle=True, device="cpu", prefetch=0)
    test = DataLoader(digits[1], 50, device="cpu", prefetch=0)
    net = net or SpecLeNet5(beta=0.1, scale=4.0)
    optimizer = SGD(net.parameters(), 0.2, 0.9)
    return Training(net, optimizer, OneCycleLR(optimizer, EPOCHS * len(train))), train, test


class InterruptedLoader(DataLoader):
    """Sends Ctrl-C to this process while a given batch of a given epoch is being used."""

    def __init__(self, *args, at, **options):
        super().__init__(*args, **options)
        self.at = at

    def epoch(self, epoch, start=0):
        for number, batch in enumerate(super().epoch(epoch, start), start):
            if (epoch, number) == self.at:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch


def test_loss_falls_and_history_holds_what_it_promises(digits):
    training, train, test = make(digits)
    assert training.run(train, test, EPOCHS, progress=False)
    history = training.history
    assert len(history) == EPOCHS and [e.epoch for e in history.epochs] == [1, 2, 3]
    assert history[-1].train_loss < 0.95 * history[0].train_loss
    assert 0 <= history[-1].test_accuracy <= 1 and history[-1].saved_bytes > 0
    assert history[-1].peak_bytes >= history[-1].saved_bytes
    assert len(history[-1].density) == 2 and all(0 < d < 1 for d in history[-1].density)
    assert history[-1].images_per_second > 0
    assert history[-1].lr == training.optimizer.lr


@pytest.mark.parametrize("at", [(0, 2), (1, 0), (1, 4), (2, 3)], ids=str)
def test_interrupted_run_resumes_to_the_bit(digits, tmp_path, at):
    unbroken, train, test = make(digits)
    unbroken.run(train, test, EPOCHS, progress=False)

    broken, _, _ = make(digits)
    interrupted = InterruptedLoader(digits[0], BATCH, shuffle=True, device="cpu", prefetch=0, at=at)
    finished = broken.run(interrupted, test, EPOCHS, progress=False,
                   on_epoch=lambda t: save_checkpoint(tmp_path / "c.npz", t.state_dict()))  # fmt: skip
    assert not finished
    assert (broken.epoch, broken.batch) == (at[0], at[1] + 1)

    resumed, _, _ = make(digits)
    resumed.load_state_dict(load_checkpoint(tmp_path / "c.npz"))
    assert resumed.run(train, test, EPOCHS, progress=False)
    for name, array in unbroken.model.state_dict().items():
        np.testing.assert_array_equal(resumed.model.state_dict()[name], array, err_msg=name)
    timeless = [epoch._replace(seconds=0, images_per_second=0, peak_bytes=0) for epoch in unbroken.history.epochs]
    assert [e._replace(seconds=0, images_per_second=0, peak_bytes=0) for e in resumed.history.epochs] == timeless


def test_resume_repeats_the_draws_of_dropout(digits, tmp_path):
    def net():
        return Sequential(Flatten(), Dropout(0.5, seed=3), Linear(784, 10, rng=0))

    unbroken, train, test = make(digits, net())
    unbroken.run(train, test, EPOCHS, progress=False)
    broken, _, _ = make(digits, net())
    broken.run(InterruptedLoader(digits[0], BATCH, shuffle=True, device="cpu", at=(1, 1)), test, EPOCHS,
        progress=False, on_epoch=lambda t: save_checkpoint(tmp_path / "c.npz", t.state_dict()))  # fmt: skip
    resumed, _, _ = make(digits, net())
    resumed.load_state_dict(load_checkpoint(tmp_path / "c.npz"))
    resumed.run(train, test, EPOCHS, progress=False)
    for name, array in unbroken.model.state_dict().items():
        np.testing.assert_array_equal(resumed.model.state_dict()[name], array, err_msg=name)


def test_ctrl_c_handlers_are_put_back(digits):
    before = signal.getsignal(signal.SIGINT)
    training, train, test = make(digits)
    training.run(train, test, 1, progress=False)
    assert signal.getsignal(signal.SIGINT) is before


def test_loss_that_is_not_finite_stops_with_a_sentence(digits):
    training, train, test = make(digits)
    training.model.fc3.bias.data[0] = np.nan
    sentence = r"^epoch 1, batch 1: the loss became nan, first in the parameter fc3.bias: try a smaller learning rate$"
    with pytest.raises(TrainingError, match=sentence):
        training.run(train, test, EPOCHS, progress=False)


def test_the_first_layer_whose_output_is_not_finite_is_named(digits):
    training, train, _ = make(digits)
    net = training.model
    x, _ = next(train.epoch(0))
    assert first_bad_layer(net, x) is None
    net.fc1.bias.data[:] = 9.0  # tanh of it is 1
    net.fc2.weight.data[:] = 1e38  # finite itself, but 120 of it are not
    with np.errstate(over="ignore"):
        assert first_bad_layer(net, x) == "the output of fc2 (Linear)"
    net.fc1.weight.data[0, 0] = np.inf
    assert first_bad_layer(net, x) == "the parameter fc1.weight"
    assert first_bad_layer(net, x * np.float32(np.nan)) == "the input"


def test_looking_for_a_bad_layer_changes_nothing():
    net = Sequential(BatchNorm2d(1), Flatten(), Linear(4, 2, rng=0))
    before = net.state_dict()
    assert first_bad_layer(net, np.ones((2, 2, 3, 1), np.float32)) is None
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_measurement_that_fails_puts_everything_back():
    net = Sequential(BatchNorm2d(1), Flatten(), Linear(4, 2, rng=0))
    net[2].weight.grad = gradient = np.ones_like(net[2].weight.data)
    before = net.state_dict()
    with pytest.raises(ValueError, match="softmax_cross_entropy"):
        step_cost(net, np.ones((2, 2, 3, 1), np.float32), np.array([0, 1]))
    assert net[2].weight.grad is gradient
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_fit_trains_and_keeps_the_best_weights(digits):
    unbroken, train, test = make(digits)
    net = unbroken.model
    training = fit(net, train, test, unbroken.optimizer, unbroken.schedule, EPOCHS, progress=False)
    accuracies = [epoch.test_accuracy for epoch in training.history.epochs]
    best = SpecLeNet5(beta=0.1, scale=4.0)
    best.load_state_dict(training.best)
    assert evaluate(best, test)[1] == max(accuracies)


def test_evaluation_is_the_mean_over_images_and_restores_training_mode(digits):
    training, _, test = make(digits)
    net = training.model
    loss, accuracy = evaluate(net, test)
    assert net.training
    one_by_one = evaluate(net, DataLoader(digits[1], 1, device="cpu", prefetch=0))
    assert math.isclose(loss, one_by_one[0], rel_tol=1e-5) and accuracy == one_by_one[1]


def test_predict_takes_images_as_data_sets_hold_them(digits):
    training, _, test = make(digits)
    classes = predict(training.model, digits[1].images, batch_size=33)
    assert classes.shape == (100,)
    assert np.mean(classes == digits[1].labels) == evaluate(training.model, test)[1]
    assert predict(training.model, digits[1].images[:0]).shape == (0,)
    with pytest.raises(ValueError, match="predict: expected images"):
        predict(training.model, digits[1].images[0])


def test_measuring_a_step_changes_nothing(digits):
    training, train, _ = make(digits)
    net = training.model
    x, y = next(train.epoch(0))
    net.conv1.weight.grad = np.ones_like(net.conv1.weight.data)
    before = net.state_dict()
    ledger, peak = step_cost(net, x, y)
    assert peak >= ledger.nbytes > 0
    assert net.conv1.weight.grad.sum() == net.conv1.weight.size and net.fc1.weight.grad is None
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
