"""The icon on the browser's tab, drawn here: icons by name would be fetched from the net."""

from __future__ import annotations

from PIL import Image, ImageDraw

SIDE = 64  # px


def icon() -> Image.Image:
    """A face that smiles a little, RGBA."""
    large = Image.new("RGBA", (256, 256))
    draw = ImageDraw.Draw(large)
    draw.ellipse((8, 8, 248, 248), "#f0e442", "#20242a", 12)
    for x in (88, 168):
        draw.ellipse((x - 16, 84, x + 16, 124), "#20242a")
    draw.arc((72, 80, 184, 188), 25, 155, "#20242a", 14)
    return large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
