"""CIFAR-100: 50 000 + 10 000 colour images of a hundred kinds of things, 32 x 32 (Krizhevsky).

The published archives, binary and python, are read as they are or unpacked; `specframe.data.cifar` has their format.
The labels are the hundred fine ones; the twenty coarse ones are left out.
"""

from specframe.data.cifar import Cifar, Layout
from specframe.data.published import DataFile

MIRROR = "https://www.cs.toronto.edu/~kriz/"
LAYOUT = Layout(
    name="cifar100",
    binary=DataFile(
        "cifar-100-binary.tar.gz",
        168_513_733,
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        (MIRROR + "cifar-100-binary.tar.gz",),
    ),
    python=DataFile(
        "cifar-100-python.tar.gz",
        169_001_437,
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        (MIRROR + "cifar-100-python.tar.gz",),
    ),
    binary_folder="cifar-100-binary",
    python_folder="cifar-100-python",
    files={"train": ("train",), "test": ("test",)},
    count={"train": 50_000, "test": 10_000},
    label_bytes=2,
    label_key="fine_labels",
    extra=("meta",),
    md5={
        "train.bin": "6172c7755cfe09b2fe270c85cebc1b15",
        "test.bin": "4499cfba6c016c1be1438163640a0898",
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    },
)

# Of the training set's pixels, 0 to 1, for red, green and blue, as in common use.
MEAN, STD = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)


class CIFAR100(Cifar):
    """The CIFAR-100 images: `images` (N, 3, 32, 32) float32, `labels` (N,) int64, 0 to 99.

    Everything else as for `CIFAR10`, in the sub-folder `cifar100`.
    """

    layout = LAYOUT
    CLASSES = tuple(
        """
        apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
        castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
        elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
        man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
        pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
        skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
        tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
        """.split()
    )
    MEAN = MEAN
    STD = STD
