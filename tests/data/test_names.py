import specframe.data
from specframe.data import DATASETS, Dataset


def test_every_published_set_says_what_its_images_are():
    assert list(DATASETS) == ["mnist", "fashion_mnist", "kmnist", "cifar10", "cifar100", "svhn", "digits"]
    for kind in DATASETS.values():
        assert issubclass(kind, Dataset)
        assert len(kind.SHAPE) == 3 and len(set(kind.CLASSES)) == len(kind.CLASSES) in (10, 100)
        assert len(kind.MEAN) == len(kind.STD) and len(kind.MEAN) in (1, kind.SHAPE[0])


def test_all_lists_what_there_is_and_the_docstring_explains_it():
    for name in specframe.data.__all__:
        assert hasattr(specframe.data, name)
        assert name in specframe.data.__doc__
