"""Room on the disk: below the reserve nothing is accepted, and all goes on by itself when there is room again."""

from sesame.sending.room import LOOK_EVERY_S, Room
from tests.support.clock import FakeClock


class Disk:
    """A disk that fills and empties."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.looks = 0
        self.is_gone = False

    def __call__(self) -> int:
        self.looks += 1
        if self.is_gone:
            raise OSError("no such device")
        return self.free


def test_there_is_room_down_to_the_reserve_and_again_after_it() -> None:
    disk, clock = Disk(1_000), FakeClock()
    room = Room(disk, reserve_bytes=500, clock=clock)
    for free, is_there in ((1_000, True), (500, True), (499, False), (0, False), (500, True)):
        disk.free = free
        clock.advance(LOOK_EVERY_S)
        assert room.is_there() is is_there


def test_the_disk_is_not_asked_for_each_message() -> None:
    disk, clock = Disk(1_000), FakeClock()
    room = Room(disk, reserve_bytes=500, clock=clock)
    for _ in range(1_000):
        room.is_there()
    assert disk.looks == 1


def test_a_disk_that_cannot_be_asked_stops_nobody() -> None:
    disk, clock = Disk(0), FakeClock()
    disk.is_gone = True
    assert Room(disk, reserve_bytes=500, clock=clock).is_there()
