"""Training: its state is taken whole or not at all, on the same data; parts that are frozen stay so."""

import copy

import numpy as np
import pytest

from specframe.data import DataLoader, Dataset
from specframe.layers import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, Sequential
from specframe.optim import SGD, Adam, ConstantLR, CosineLR, OneCycleLR, ReduceOnPlateau, StepLR
from specframe.training import (
    CheckpointError,
    Training,
    TrainingError,
    evaluate,
    fit,
    load_checkpoint,
    predict,
    save_checkpoint,
)


def images(n=12, seed=0):
    rng = np.random.default_rng(seed)
    return Dataset(rng.random((n, 1, 4, 4), np.float32), np.arange(n) % 3, 3, "tiny")


def loader(dataset=None, batch=4):
    return DataLoader(dataset or images(), batch, shuffle=True, device="cpu", prefetch=0)


def make(optimizer=lambda net: SGD(net, 0.1, 0.9), schedule=ConstantLR):
    net = Sequential(Flatten(), Linear(16, 3, rng=0))
    chosen = optimizer(net)
    return Training(net, chosen, schedule(chosen))


def trained(epochs=2, **options):
    training = make(**options)
    training.run(loader(), loader(), epochs, progress=False)
    return training


def assert_same(state, other):
    assert type(state) is type(other)
    if isinstance(state, dict):
        assert state.keys() == other.keys()
        for key, value in state.items():
            assert_same(value, other[key])
    else:
        np.testing.assert_array_equal(state, other)


# ---- the state --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [lambda net: SGD(net, 0.1, 0.9), Adam])
@pytest.mark.parametrize("schedule", [ConstantLR, lambda o: StepLR(o, 4), lambda o: OneCycleLR(o, 12), ReduceOnPlateau])
def test_a_resumed_training_is_the_unbroken_one(tmp_path, optimizer, schedule):
    unbroken = trained(4, optimizer=optimizer, schedule=schedule)
    save_checkpoint(tmp_path / "c.npz", trained(2, optimizer=optimizer, schedule=schedule).state_dict())
    resumed = make(optimizer, schedule)
    resumed.load_state_dict(load_checkpoint(tmp_path / "c.npz"))
    resumed.run(loader(), loader(), 4, progress=False)
    for name in ("model", "optimizer", "schedule", "best", "data"):
        assert_same(resumed.state_dict()[name], unbroken.state_dict()[name])


def change(*path, value=None, drop=False):
    def apply(state):
        for key in path[:-1]:
            state = state[key]
        if drop:
            del state[path[-1]]
        else:
            state[path[-1]] = value

    return apply


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (
            change("progress", "model", value=1),
            "expected the progress to be epoch, batch, seen, loss_sum, seconds, got ",
        ),
        (
            change("progress", "seen", drop=True),
            "expected the progress to be epoch, batch, seen, loss_sum, seconds, got ",
        ),
        (change("progress", "epoch", value=-1), "epoch is -1, expected int, 0 or more"),
        (change("progress", "epoch", value=2.0), r"epoch is 2\.0, expected int, 0 or more"),
        (change("progress", "seconds", value=float("nan")), "seconds is nan, expected float, 0 or more"),
        (change("progress", value=None), ""),
        (change("best", "1.weight", value=np.ones(2)), "the best weights are those of another net"),
        (change("best", "1.weight", drop=True), "the best weights are those of another net"),
        (change("best", value=[]), "expected the best weights and the data to be dicts"),
        (change("data", value="x"), "expected the best weights and the data to be dicts"),
        (change("optimizer", "velocity.0", value=np.ones(2)), r"SGD: velocity 0 is \(2,\)"),
        (change("schedule", "t", drop=True), "it lacks 't'"),
        (change("schedule", "total", value=5), "ConstantLR: the state is that of 5 steps"),
        (change("history", 0, "lr", value="x"), "expected an epoch made of numbers"),
        (change("history", 0, "lr", drop=True), "missing 1 required positional argument: 'lr'"),
        (change("history", 0, "self", value=1), "unexpected keyword argument"),
        (change("history", value=5), ""),
        (change("model", drop=True), "it lacks 'model'"),
        (change("model", "2.weight", value=np.ones(2)), "Sequential: the state lacks nothing, and has unknown"),
        (change("model", value=None), ""),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_is_loaded(apply, message):
    state, training = trained().state_dict(), make()
    before = copy.deepcopy(training.state_dict())
    apply(state)
    with pytest.raises(CheckpointError, match=f"^not the state of this training: .*{message}") as caught:
        training.load_state_dict(state)
    assert len(str(caught.value)) < 300
    assert_same(training.state_dict(), before)


# ---- the data ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [images(12, seed=1), images(36), images(11)], ids=["content", "three times", "fewer"])
def test_a_resumed_training_on_other_data_is_refused(other):
    state = trained().state_dict()
    for train, test, which in ((other, images(), "train"), (images(), other, "test")):
        resumed = make()
        resumed.load_state_dict(state)
        with pytest.raises(
            CheckpointError, match=f"^the checkpoint is of a training on other {which} data: {{'images': 12, "
        ):
            resumed.run(loader(train), loader(test), 3, progress=False)
        assert resumed.epoch == 2
        resumed.run(loader(), loader(), 3, progress=False)  # on its own data it goes on
        resumed.run(loader(other), loader(), 4, progress=False)  # and from here on as its user likes


def test_a_training_may_go_on_with_other_data_when_it_was_not_loaded():
    training = trained()
    training.run(loader(images(12, seed=1)), loader(), 3, progress=False)
    assert training.epoch == 3
    resumed = make()
    resumed.load_state_dict(training.state_dict())  # from now on they are its data
    resumed.run(loader(images(12, seed=1)), loader(), 4, progress=False)


# ---- more epochs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [ConstantLR, lambda o: StepLR(o, 4), ReduceOnPlateau])
def test_a_finished_training_goes_on_for_more_epochs(schedule):
    more = make(schedule=schedule)
    more.load_state_dict(trained(2, schedule=schedule).state_dict())
    assert more.run(loader(), loader(), 5, progress=False)
    assert_same(more.state_dict()["model"], trained(5, schedule=schedule).state_dict()["model"])


@pytest.mark.parametrize(("schedule", "name"), [(OneCycleLR, "OneCycleLR"), (CosineLR, "CosineLR")])
def test_a_schedule_with_a_fixed_total_says_that_it_cannot(schedule, name):
    training = trained(2, schedule=lambda o: schedule(o, 6))
    with pytest.raises(
        TrainingError, match=f"^5 epochs are 15 steps, but {name} was made for 6; only a schedule without"
    ):
        training.run(loader(), loader(), 5, progress=False)
    longer = make(schedule=lambda o: schedule(o, 15))
    with pytest.raises(
        CheckpointError, match=f"{name}: the state is that of 6 steps, this schedule was made for 15 steps"
    ):
        longer.load_state_dict(training.state_dict())


# ---- parts that are frozen --------------------------------------------------------------------------------------


def frozen():
    norm, dropout = BatchNorm2d(2), Dropout(0.5, seed=0)
    return Sequential(Conv2d(1, 2, 3, rng=0), norm, Flatten(), dropout, Linear(8, 3, rng=1)), norm, dropout


def test_a_part_in_evaluation_mode_stays_so_through_fit_evaluate_and_predict():
    net, norm, dropout = frozen()
    norm.eval()
    statistics = [buffer.copy() for buffer in norm.buffers()]
    optimizer = SGD(net, 0.1)
    fit(net, loader(), loader(), optimizer, ConstantLR(optimizer), 2, progress=False)
    evaluate(net, loader())
    predict(net, images().images)
    assert (net.training, norm.training, dropout.training) == (True, False, True)
    for buffer, before in zip(norm.buffers(), statistics, strict=True):
        np.testing.assert_array_equal(buffer, before)


def test_a_net_that_is_wholly_in_evaluation_mode_is_trained_and_stays_so_when_evaluated():
    net, norm, dropout = frozen()
    net.eval()
    evaluate(net, loader())
    assert not any(module.training for _, module in net.named_modules())
    optimizer = SGD(net, 0.1)
    fit(net, loader(), loader(), optimizer, ConstantLR(optimizer), 1, progress=False)
    assert net.training and norm.training and dropout.training


def test_a_net_that_a_callback_leaves_in_evaluation_mode_goes_on_training():
    net, _, dropout = frozen()
    optimizer, modes = SGD(net, 0.1), []
    training = Training(net, optimizer, ConstantLR(optimizer))

    def look(training):
        modes.append(dropout.training)
        net.eval()

    training.run(loader(), loader(), 3, progress=False, on_epoch=look)
    assert modes == [True, True, True]


# ---- the history ------------------------------------------------------------------------------------------------


def test_the_rate_in_the_history_is_that_of_the_last_step_of_the_epoch():
    training = trained(3, schedule=lambda o: StepLR(o, 3))  # three steps an epoch
    assert [epoch.lr for epoch in training.history.epochs] == [0.1, 0.05, 0.025]


def test_the_schedule_gets_the_test_loss_of_each_epoch():
    training = trained(3, schedule=ReduceOnPlateau)
    assert training.schedule.best == min(epoch.test_loss for epoch in training.history.epochs)
