"""Who has how many of the places: good endpoints always some, doubtful ones together half, and nothing grows."""

from sesame.notify.health import KEPT, LONGEST_PAUSE_S, OF_A_NEW_ONE, SLOW_S, Endpoints


def given(endpoints: Endpoints, names: list[str], *, now: float = 0.0) -> dict[str, int]:
    """What each of some endpoints is given of what is free, if they want all they can have; it begins."""
    places, found = endpoints.places(now), {}
    for name in names:
        found[name] = max(0, places.room(name))
        places.take(name, found[name])
        for _ in range(found[name]):
            endpoints.begin(name)
    return found


def good(endpoints: Endpoints, *names: str) -> None:
    for name in names:
        endpoints.took(name, 0.1)


def test_a_new_endpoint_has_few_places_and_a_good_one_its_share() -> None:
    endpoints = Endpoints(places=64, of_one=8)
    good(endpoints, "good")
    assert given(endpoints, ["new", "good"]) == {"new": OF_A_NEW_ONE, "good": 8}
    assert endpoints.free == 64 - 8 - OF_A_NEW_ONE


def test_endpoints_that_hang_leave_half_of_the_places_to_the_others() -> None:
    endpoints = Endpoints(places=64, of_one=8)
    good(endpoints, "a", "b")
    hanging = [f"hangs{number}" for number in range(1_000)]
    assert sum(given(endpoints, hanging).values()) == 32
    assert given(endpoints, ["a", "b"]) == {"a": 8, "b": 8}
    assert sum(given(endpoints, hanging).values()) == 0


def test_who_answers_slowly_is_held_as_one_that_hangs_until_it_is_quick() -> None:
    endpoints = Endpoints(places=64, of_one=8)
    slow = [f"slow{number}" for number in range(100)]
    for name in slow:
        endpoints.took(name, SLOW_S + 0.1)
    assert sum(given(endpoints, slow).values()) == 32
    endpoints.took("slow99", 0.1)
    assert given(endpoints, ["slow99"]) == {"slow99": 8}


def test_one_that_fails_is_probed_at_growing_intervals_and_is_good_again_at_once() -> None:
    endpoints, now, pauses = Endpoints(places=64, of_one=8), 0.0, []
    for _ in range(12):
        endpoints.failed("down", now)
        endpoints.failed("down", now)  # what failed beside it is the same failure
        began = now
        while not endpoints.room("down", now):
            now += 1.0
        assert endpoints.room("down", now) == 1
        pauses.append(now - began)
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0] and pauses[-1] == LONGEST_PAUSE_S
    endpoints.took("down", 0.1)
    assert endpoints.room("down", now) == 8


def test_what_is_remembered_is_bounded() -> None:
    endpoints = Endpoints(places=64, of_one=8)
    for number in range(KEPT + 5):
        name = f"e{number}"
        endpoints.begin(name)
        endpoints.failed(name, 0.0)
        endpoints.end(name)
    assert len(endpoints._health) == KEPT and not endpoints._active
    assert endpoints.room("e0", 0.5) == OF_A_NEW_ONE  # forgotten, and new again
    assert endpoints.room(f"e{KEPT}", 0.5) == 0


def test_one_place_is_enough_for_all() -> None:
    endpoints = Endpoints(places=1, of_one=8)
    assert given(endpoints, ["new", "other"]) == {"new": 1, "other": 0}
