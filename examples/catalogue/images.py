"""Generate the catalogue: pages with images of products, many of them altered copies, and the ground truth.

The catalogue is made from real photos. A *product* is a piece of a photo. The catalogue shows each product several
times, altered as shops alter images: cropped, re-encoded, mirrored, shrunk, framed, captioned. For each product there
is also a look-alike: a piece of another photo in the same colours, which is a different product. The pieces of one
photo are different products too, and many pages have the same background. The result depends on a seed only.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

Box = tuple[int, int, int, int]
Alteration = Callable[[Image.Image, random.Random], Image.Image]

SEED = 8
PHOTOS = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "photos"
# The number of columns and rows into which each photo is cut. The threshold is chosen on the first half of the photos,
# and judged on the second half. The photos that the models were trained on (train.py) are in neither half. Nearly
# symmetric photos are not cut in the middle, because their halves would be mirrored copies of each other.
CHOOSING = {
    "cameraman_gray.png": (2, 2),
    "cat_chelsea.png": (3, 2),
    "coins_greek_gray.png": (1, 1),
    "jpeg_hopper_rgb.jpg": (1, 1),
    "rocket_falcon9_launch.jpg": (1, 2),
}
JUDGED = {
    "astronaut_eileen_collins.png": (3, 3),
    "brick_wall_gray.png": (1, 1),
    "coffee_cup_espresso.png": (3, 2),
    "exif_portrait_orientation_6.jpg": (1, 3),
    "jpeg_baseline_444.jpg": (1, 1),
}


@dataclass(frozen=True)
class Product:
    """An image of a product: its ``source``, its alteration, and its pixels."""

    source: str
    alteration: str
    image: Image.Image


@dataclass(frozen=True)
class Shown:
    """A product on a page, with its box in pixels of the page."""

    source: str
    alteration: str
    box: Box


def photos(folder: Path | None = None) -> dict[str, dict[Path, tuple[int, int]]]:
    """Return the photos of each half with their grids. The photos of another folder alternate, and are not cut."""
    if folder is None:
        return {
            half: {PHOTOS / name: grid for name, grid in names.items()}
            for half, names in (("choosing", CHOOSING), ("judged", JUDGED))
        }
    files = own_photos(folder)
    return {"choosing": dict.fromkeys(files[::2], (1, 1)), "judged": dict.fromkeys(files[1::2], (1, 1))}


def own_photos(folder: Path) -> list[Path]:
    """List the photos of a folder, one per name. Files that Pillow cannot read are printed and omitted."""
    readable = {}
    for file in sorted(file for file in folder.glob("*") if file.is_file()):
        try:
            with Image.open(file) as photo:
                photo.load()
            readable[file.stem] = file
        except Exception as error:  # Pillow's decoders raise many kinds of errors for damaged files
            print(f"{file} is omitted, because it cannot be read: {error}")
    if len(readable) < 2:
        raise SystemExit(f"There are {len(readable)} photos in {folder}; two, one for each half, are the least.")
    return list(readable.values())


def pieces(photo: Path, grid: tuple[int, int]) -> dict[str, Image.Image]:
    """Cut a photo into pieces without common pixels. Each piece is a product."""
    whole = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
    columns, rows = grid
    cut = {}
    for row in range(rows):
        for column in range(columns):
            box = (
                whole.width * column // columns,
                whole.height * row // rows,
                whole.width * (column + 1) // columns,
                whole.height * (row + 1) // rows,
            )
            cut[f"{photo.stem}/{row}{column}"] = whole.crop(box)
    return cut


def unaltered(image: Image.Image, generator: random.Random) -> Image.Image:
    """Return the image unchanged."""
    return image


def cropped(image: Image.Image, generator: random.Random) -> Image.Image:
    """Crop up to a seventh at each side."""
    left, top, right, bottom = (generator.uniform(0, 1 / 7) for _ in range(4))
    width, height = image.size
    return image.crop((int(width * left), int(height * top), int(width * (1 - right)), int(height * (1 - bottom))))


def re_encoded(image: Image.Image, generator: random.Random) -> Image.Image:
    """Encode the image as a JPEG of low quality, and decode it again."""
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=generator.randint(15, 50))
    return Image.open(encoded).convert("RGB")


def mirrored(image: Image.Image, generator: random.Random) -> Image.Image:
    """Exchange left and right."""
    return ImageOps.mirror(image)


def shrunk(image: Image.Image, generator: random.Random) -> Image.Image:
    """Shrink the image to a thumbnail of about 60 pixels, and enlarge it again."""
    side = generator.randint(48, 80)
    ratio = side / max(image.size)
    small = image.resize((max(1, round(image.width * ratio)), max(1, round(image.height * ratio))))
    return small.resize(image.size)


def framed(image: Image.Image, generator: random.Random) -> Image.Image:
    """Add a border in one colour."""
    width = max(2, round(min(image.size) * generator.uniform(0.02, 0.06)))
    return ImageOps.expand(image, width, colour(generator))


def captioned(image: Image.Image, generator: random.Random) -> Image.Image:
    """Add a line of text on a bar in the lower part."""
    altered = image.copy()
    height = max(10, round(image.height * generator.uniform(0.08, 0.16)))
    top = image.height - height
    draw = ImageDraw.Draw(altered)
    draw.rectangle((0, top, image.width, image.height), fill=colour(generator))
    text = generator.choice(["SALE -20 %", "New!", "Free shipping", "only 9.99", "limited offer"])
    draw.text((4, top), text, fill=colour(generator), font=font(height * 3 // 4))
    return altered


ALTERATIONS: dict[str, Alteration] = {
    "none": unaltered,
    "cropped": cropped,
    "re-encoded": re_encoded,
    "mirrored": mirrored,
    "shrunk": shrunk,
    "framed": framed,
    "captioned": captioned,
}


def look_alike(image: Image.Image, colours_of: Image.Image) -> Image.Image:
    """Return ``image`` with the mean and the standard deviation of the channels of ``colours_of``."""
    pixels = np.asarray(image, np.float64)
    wanted = np.asarray(colours_of, np.float64)
    axes = (0, 1)
    spread = wanted.std(axes) / np.maximum(pixels.std(axes), 1)
    recoloured = (pixels - pixels.mean(axes)) * spread + wanted.mean(axes)
    return Image.fromarray(np.clip(recoloured, 0, 255).astype(np.uint8))


@cache
def font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Return Pillow's default font."""
    return ImageFont.load_default(size)


def colour(generator: random.Random) -> tuple[int, int, int]:
    """Return a random colour."""
    return generator.randrange(256), generator.randrange(256), generator.randrange(256)


def background(size: tuple[int, int], generator: random.Random) -> Image.Image:
    """Return an empty page in light colours: plain, with a gradient, or with stripes."""
    light = [tuple(generator.randint(160, 255) for _ in range(3)) for _ in range(2)]
    first, second = (Image.new("RGB", size, each) for each in light)
    kind = generator.choice(["plain", "shaded", "striped"])
    if kind == "plain":
        return first
    if kind == "shaded":
        mask = Image.linear_gradient("L").rotate(generator.choice([0, 90, 180, 270])).resize(size)
    else:
        stripes = np.arange(size[0]) // generator.randint(12, 40) % 2 * 255
        mask = Image.fromarray(np.tile(stripes.astype(np.uint8), (size[1], 1)))
    return Image.composite(first, second, mask)


def compose(products: Sequence[Product], page_seed: int, generator: random.Random) -> tuple[Image.Image, list[Shown]]:
    """Place one product, or two beside each other, on a page with a few lines of text.

    Parameters
    ----------
    products
        One or two products.
    page_seed
        Pages with the same seed have the same background.
    generator
        Chooses the sizes and places.
    """
    width, height = generator.randint(280, 420), generator.randint(280, 420)
    page = background((width, height), random.Random(page_seed))
    draw = ImageDraw.Draw(page)
    for _ in range(generator.randrange(4)):
        place = (generator.randrange(width), generator.randrange(height))
        draw.text(place, "Lorem ipsum dolor sit amet", fill=colour(generator), font=font(12))
    if len(products) == 1:
        cells = [(0, 0, width, height)]
    elif generator.random() < 0.5:
        cells = [(0, 0, width // 2, height), (width // 2, 0, width, height)]
    else:
        cells = [(0, 0, width, height // 2), (0, height // 2, width, height)]
    return page, [_place(page, product, cell, generator) for product, cell in zip(products, cells, strict=True)]


def _place(page: Image.Image, product: Product, cell: Box, generator: random.Random) -> Shown:
    """Paste a product at a random place in its cell of the page."""
    left, top, right, bottom = cell
    largest = min((right - left) / product.image.width, (bottom - top) / product.image.height)
    scale = largest * generator.uniform(0.55, 0.92)
    size = (max(8, round(product.image.width * scale)), max(8, round(product.image.height * scale)))
    x = generator.randint(left, right - size[0])
    y = generator.randint(top, bottom - size[1])
    page.paste(product.image.resize(size, Image.Resampling.BICUBIC), (x, y))
    return Shown(product.source, product.alteration, (x, y, x + size[0], y + size[1]))


def products(
    sources: dict[str, Image.Image], others: dict[str, Image.Image], generator: random.Random
) -> list[Product]:
    """Return each source in every alteration, and one of the ``others`` in its colours as a look-alike."""
    made = [
        Product(source, name, alter(image, generator))
        for source, image in sources.items()
        for name, alter in ALTERATIONS.items()
    ]
    strangers = generator.sample(sorted(others), len(others))
    for (source, image), stranger in zip(sources.items(), strangers, strict=False):
        recoloured = look_alike(others[stranger], colours_of=image)
        made.append(Product(f"{stranger} as {source}", "look-alike", recoloured))
    return made


def make_catalogue(folder: Path, photo_folder: Path | None = None) -> Path:
    """Write the pages, ``pages/0001.jpg`` and so on, and ``truth.jsonl`` with the half and the products of each page.

    Returns
    -------
    Path
        The file with the ground truth.
    """
    generator = random.Random(SEED)
    sources = {
        half: {name: piece for photo, grid in grids.items() for name, piece in pieces(photo, grid).items()}
        for half, grids in photos(photo_folder).items()
    }
    # An earlier catalogue is deleted only after all photos were read without an error.
    shutil.rmtree(folder / "pages", ignore_errors=True)
    (folder / "pages").mkdir(parents=True)
    lines: list[str] = []
    for half, other_half in (("choosing", "judged"), ("judged", "choosing")):
        waiting = products(sources[half], sources[other_half], generator)
        generator.shuffle(waiting)
        for product in waiting:
            page, shown = compose([product], generator.randrange(12), generator)
            name = f"{len(lines):04d}.jpg"
            page.save(folder / "pages" / name, quality=generator.randint(70, 95))
            lines.append(json.dumps({"page": name, "half": half, "products": [asdict(each) for each in shown]}))
    truth = folder / "truth.jsonl"
    truth.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return truth
