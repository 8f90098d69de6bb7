"""Prints what TensorBoard's own reader finds in a folder, as JSON; again for each line of input, as a page left open does."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

folder = sys.argv[1]
accumulator = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0, "tensors": 0})


def hparams():
    try:
        content = accumulator.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    except KeyError:
        return None
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    return {
        "group": data.session_start_info.group_name,
        "values": {
            name: getattr(value, value.WhichOneof("kind"))
            for name, value in data.session_start_info.hparams.items()
        },
    }


def found():
    accumulator.Reload()
    tags = accumulator.Tags()
    scalars = {
        tag: [[event.wall_time, event.step, event.value] for event in accumulator.Scalars(tag)]
        for tag in tags["scalars"]
    }
    images = {
        tag: [[image.width, image.height, len(image.encoded_image_string)] for image in accumulator.Images(tag)]
        for tag in tags["images"]
    }
    return {"scalars": scalars, "images": images, "hparams": hparams()}


print(json.dumps(found()), flush=True)
for _ in sys.stdin:
    print(json.dumps(found()), flush=True)
