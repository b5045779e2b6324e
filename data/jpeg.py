"""Whether a JPEG file holds all of its picture: decoders fill up with grey what is missing."""

from __future__ import annotations

_START, _SCAN, _END = b"\xff\xd8", 0xDA, b"\xff\xd9"
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length


def is_cut_short(content: bytes) -> bool:
    """Whether a JPEG file ends before its picture does; False for what is no JPEG.

    After the header comes the picture, in which the end's marker cannot occur (ITU-T T.81, B.1).
    The thumbnail that cameras put into the header has an end of its own, which does not count.
    """
    if not content.startswith(_START):
        return False
    place = 2
    while place + 4 <= len(content):
        if content[place] != 0xFF:
            return False  # no header that is known here; let the decoder say
        marker = content[place + 1]
        if marker == _SCAN:
            return content.find(_END, place) < 0
        if marker == 0xFF:  # fill
            place += 1
        elif marker in _ALONE:
            place += 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return True
