"""Location of a sample."""


def centre(sample):
    return sample.mean()
