"""The networks by the names that a command line takes, built from its options."""

from specframe.models import VGG16, AlexNet, DenseNet, LeNet5, SpecAlexNet, SpecDenseNet, SpecLeNet5, SpecVGG16

NETS = {
    "lenet5": LeNet5, "alexnet": AlexNet, "vgg16": VGG16, "densenet": DenseNet,
    "speclenet5": SpecLeNet5, "specalexnet": SpecAlexNet, "specvgg16": SpecVGG16, "specdensenet": SpecDenseNet,
}  # fmt: skip


def twin_of(name):
    """The spatial twin of a spectral net, by name; None for a spatial net."""
    return name.removeprefix("spec") if name.startswith("spec") else None


def build(name, option, channels, image_size):
    """A network with its initial weights; options that are None leave the model's own default."""
    settings = {"in_channels": channels, "seed": option["seed"]}
    if not name.endswith("lenet5"):
        settings["width"] = option["width"]
    if not name.endswith("densenet"):
        settings["image_size"] = image_size
    if twin_of(name):
        chosen = {key: option[key] for key in ("beta", "scale", "grid") if option[key] is not None}
        if name == "speclenet5":
            if option["activation"] != "tanh" or option["batch_norm"] not in (None, "none"):
                raise ValueError("speclenet5 has tanh and no batch normalisation")
        else:
            chosen["activation"] = option["activation"]
            if option["batch_norm"] is not None:
                chosen["batch_norm"] = option["batch_norm"]
        settings |= chosen | {"paper_strict": option.get("paper", False)}
    return NETS[name](**settings)
