"""Writes pictures.json: small pictures in files, and what Pillow makes of them. Needs Pillow.

The steps are those of torchvision with PIL images: upright, converted, the largest centred square, `resize` with BILINEAR.
"""

import base64
import io
import json
from pathlib import Path

import PIL
from PIL import Image, ImageOps


def noise(width, height, channels, seed):
    """Smooth in part, so that JPEG has something to keep."""
    state = seed
    values = bytearray()
    for row in range(height):
        for column in range(width):
            for channel in range(channels):
                state = (state * 1103515245 + 12345) % 2**31
                values.append((row * 5 + column * 3 + channel * 40 + (state >> 16) % 90) % 256)
    return bytes(values)


def picture(mode, width, height, seed):
    return Image.frombytes(mode, (width, height), noise(width, height, len(mode), seed))


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def square(image):
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def case(name, data, size, mode):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert(mode)
    pixels = square(image).resize((size, size), Image.Resampling.BILINEAR).tobytes()
    text = lambda raw: base64.b64encode(raw).decode()
    return {"name": name, "file": text(data), "size": size, "channels": len(mode), "pixels": text(pixels)}


def rotated(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture("RGB", 21, 13, 9), "PNG", exif=exif)


CASES = [
    case("PNG of the same size", encoded(picture("RGB", 8, 8, 1), "PNG"), 8, "RGB"),
    case("PNG, wide, smaller", encoded(picture("RGB", 37, 23, 2), "PNG"), 8, "RGB"),
    case("PNG, tall, smaller", encoded(picture("RGB", 14, 61, 3), "PNG"), 9, "RGB"),
    case("PNG, larger", encoded(picture("RGB", 5, 7, 4), "PNG"), 16, "RGB"),
    case("PNG, colour to grey", encoded(picture("RGB", 19, 19, 5), "PNG"), 8, "L"),
    case("PNG, grey to colour", encoded(picture("L", 19, 18, 6), "PNG"), 8, "RGB"),
    case("PNG, grey", encoded(picture("L", 28, 28, 7), "PNG"), 28, "L"),
    case("PNG, palette", encoded(picture("RGB", 20, 20, 8).quantize(16), "PNG"), 8, "RGB"),
    case("PNG, one bit", encoded(picture("L", 16, 16, 8).convert("1"), "PNG"), 16, "L"),
    case("WebP without loss", encoded(picture("RGB", 18, 18, 10), "WEBP", lossless=True), 8, "RGB"),
    case("JPEG, 4:2:0", encoded(picture("RGB", 33, 40, 11), "JPEG", quality=85), 8, "RGB"),
    case("JPEG, progressive", encoded(picture("RGB", 33, 40, 12), "JPEG", progressive=True), 8, "RGB"),
    case("JPEG, grey", encoded(picture("L", 30, 30, 13), "JPEG"), 8, "L"),
    *[case(f"PNG, orientation {o}", rotated(o), 8, "RGB") for o in (2, 3, 4, 5, 6, 7, 8)],
]

content = {"madeBy": f"pictures.py, Pillow {PIL.__version__}", "cases": CASES}
Path(__file__).with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n")
