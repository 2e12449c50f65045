"""Pictures small enough for a repository: a palette instead of 16 million colours."""

import base64
import io

from PIL import Image

LIMIT = 120_000


class PictureError(ValueError):
    """A picture stays too large; the message says by how much."""


def quantised(picture: bytes, *, limit: int = LIMIT) -> bytes:
    """Return the PNG with as many palette colours, at most 256, as fit into `limit` bytes.

    Curves and text use few colours and lose nothing; photographs and shaded maps lose a little.
    """
    image = Image.open(io.BytesIO(picture)).convert("RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A"))
    for colours in (256, 128, 64):
        # Dithering would hide the loss in noise, which compresses badly.
        palette = flat.quantize(colors=colours, dither=Image.Dither.NONE)
        out = io.BytesIO()
        palette.save(out, format="PNG", optimize=True)
        if out.tell() <= limit:
            return out.getvalue()
    raise PictureError(
        f"a picture of {image.width} x {image.height} points takes {out.tell() / 1000:.0f} KB even"
        f" with {colours} colours; at most {limit / 1000:.0f} KB is allowed: draw it smaller"
    )


def quantised_base64(picture: str) -> str:
    """Return what :func:`quantised` does to a picture as a notebook stores it."""
    return base64.b64encode(quantised(base64.b64decode(picture))).decode("ascii")
