"""Which page a path is of: looked for among those of its shape, for there are more than a hundred."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

_FOUND = "sesame.route"


class Routes(BaseRoute):
    """Routes as one, tried in their order; a parameter of a path stands for one of its segments."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._by_shape: dict[tuple[int, str], list[int]] = {}
        for number, route in enumerate(routes):
            count, word = _shape(route.path)
            shape = count, "{" if word.startswith("{") else word
            self._by_shape.setdefault(shape, []).append(number)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first route that fits, else the first that would with another method."""
        count, word = _shape(scope["path"])
        fit = self._by_shape.get((count, word), []) + self._by_shape.get((count, "{"), [])
        found: tuple[Match, Scope] = Match.NONE, {}
        for number in sorted(fit):
            match, child = self._routes[number].matches(scope)
            if match is Match.FULL:
                return match, {**child, _FOUND: self._routes[number]}
            if match is Match.PARTIAL and found[0] is Match.NONE:
                found = match, {**child, _FOUND: self._routes[number]}
        return found

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route answer."""
        route: Route = scope[_FOUND]
        await route.handle(scope, receive, send)


def _shape(path: str) -> tuple[int, str]:
    """How many segments a path has, and the second, which tells most pages apart, or the only one."""
    segments = path.split("/")
    return len(segments), segments[2] if len(segments) > 2 else segments[-1]
