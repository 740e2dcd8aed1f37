import specframe.data
from specframe.data import CIFAR10, DATASETS, MNIST, SVHN, Dataset, Digits


def test_every_data_set_has_its_name():
    assert DATASETS == {"mnist": MNIST, "cifar10": CIFAR10, "svhn": SVHN, "digits": Digits}
    assert all(issubclass(kind, Dataset) for kind in DATASETS.values())


def test_all_lists_what_there_is_and_the_docstring_explains_it():
    for name in specframe.data.__all__:
        assert hasattr(specframe.data, name)
        assert name in specframe.data.__doc__
