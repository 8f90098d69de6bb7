"""CIFAR-10 from its binary files, its augmentation in whole batches, and the filters that whiten its patches."""
import pathlib

import torch
import torch.nn.functional as F

CLASSES = 10
BYTES_PER_IMAGE = 3 * 32 * 32


def load_cifar10(folder):
    """@returns (images, labels) of the training set and of the test set; images are uint8, (N, 3, 32, 32)"""
    folder = pathlib.Path(folder)
    inner = folder / "cifar-10-batches-bin"
    folder = inner if inner.is_dir() else folder
    training = [folder / f"data_batch_{number}.bin" for number in range(1, 6)]
    return read(training), read([folder / "test_batch.bin"])


def read(files):
    content = b"".join(file.read_bytes() for file in files)
    records = torch.frombuffer(bytearray(content), dtype=torch.uint8).view(-1, 1 + BYTES_PER_IMAGE)
    return records[:, 1:].reshape(-1, 3, 32, 32).clone(), records[:, 0].long()


class RandomImages:
    """Their values do not change the time of a step."""

    def __init__(self, count):
        self.images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
        self.labels = torch.randint(0, CLASSES, (count,))


class Batches:
    """The training images, on the device, and what each epoch makes of them."""

    def __init__(self, images, labels, options):
        self.images, self.labels, self.options = images, labels, options
        values = images.float() / 255
        self.mean = values.mean((0, 2, 3)).view(3, 1, 1)
        self.deviation = values.std((0, 2, 3), correction=0).view(3, 1, 1)
        count, size = len(images), options.batch_size
        self.steps_per_epoch = -(-count // size) if options.keep_last else count // size
        self.first_flip = torch.rand(count, device=images.device) < 0.5

    def normalised(self, images):
        values = (images.to(self.mean.device).float() / 255 - self.mean) / self.deviation
        return values.contiguous(memory_format=self.options.memory_format)

    def prepared(self):
        return self.normalised(self.images[: self.options.batch_size])

    def of_epoch(self, epoch):
        order = torch.randperm(len(self.images), device=self.images.device)
        for step in range(self.steps_per_epoch):
            chosen = order[step * self.options.batch_size :][: self.options.batch_size]
            images = self.augmented(self.normalised(self.images[chosen]), self.flips(chosen, epoch))
            yield images.contiguous(memory_format=self.options.memory_format), self.labels[chosen]

    def flips(self, chosen, epoch):
        """Alternating: by chance in the first epoch, and in each later one as not in the one before."""
        if self.options.flip == "alternating":
            return self.first_flip[chosen] ^ (epoch % 2 == 1)
        return torch.rand(len(chosen), device=chosen.device) < 0.5

    def augmented(self, images, flips):
        images = torch.where(flips.view(-1, 1, 1, 1), images.flip(-1), images)
        border = self.options.crop_padding
        if border > 0:
            images = crop(images, border, self.options.border)
        return cut_out(images, self.options.cutout) if self.options.cutout > 0 else images


def crop(images, border, kind):
    """Zeros are the mean colour, for the images are normalised."""
    padded = F.pad(images, (border,) * 4, "constant" if kind == "zero" else kind)
    count, _, height, width = images.shape
    rows, columns = (
        torch.randint(0, 2 * border + 1, (count, 1), device=images.device) + torch.arange(side, device=images.device)
        for side in (height, width)
    )
    index = torch.arange(count, device=images.device)[:, None, None]
    return padded[index, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def cut_out(images, side):
    count, _, height, width = images.shape
    device = images.device
    inside = []
    for length in (height, width):
        start = torch.randint(0, length, (count, 1), device=device) - side // 2
        place = torch.arange(length, device=device)
        inside.append((place >= start) & (place < start + side))
    hole = inside[0][:, :, None] & inside[1][:, None, :]
    return images.masked_fill(hole[:, None], 0)


def whitening_filters(images, shape, epsilon):
    """
    Eigenvectors of the covariance of patches, each over the root of its eigenvalue, the largest first; then their negatives.

    @param images normalised
    @param shape of the weight, (filters, channels, size, size)
    """
    patches = F.unfold(images.double(), shape[2]).transpose(1, 2).flatten(0, 1)
    eigenvalues, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    half = shape[0] // 2
    scaled = (vectors / torch.sqrt(eigenvalues + epsilon)).T.flip(0)[:half].view(half, *shape[1:])
    return torch.cat((scaled, -scaled)).float()
