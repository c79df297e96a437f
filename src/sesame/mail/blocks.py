"""Large texts worked on block by block, so that on a thread of its own one keeps no other thread waiting.

A step in C on a whole message holds the interpreter lock for many milliseconds; `join` of many blocks lets it go.
"""

BLOCK_BYTES = 128 * 1024
"""So much is worked on at once; less than a millisecond."""


def behind(data: bytes, start: int) -> bytes:
    """`data[start:]`."""
    if len(data) - start <= BLOCK_BYTES:
        return data[start:]
    return b"".join([data[at : at + BLOCK_BYTES] for at in range(start, len(data), BLOCK_BYTES)])


def line_blocks(data: bytes) -> list[bytes]:
    """All of `data`, none of whose CRLF is parted."""
    blocks, at = [], 0
    while at < len(data):
        end = at + BLOCK_BYTES
        end += data[end - 1 : end] == b"\r"
        blocks.append(data[at:end])
        at = end
    return blocks


def find(data: bytes, sought: bytes, start: int, end: int) -> int:
    """`data.find(sought, start, end)`."""
    while end - start > BLOCK_BYTES:
        at = data.find(sought, start, start + BLOCK_BYTES)
        if at >= 0:
            return at
        start += BLOCK_BYTES - len(sought) + 1
    return data.find(sought, start, end)
