"""What stands around a scheduler where nothing is signed, sent or kept open."""

from sesame.spool.spool import Claim


class Nothing:
    """Stands where signing and connections would be."""

    async def refresh(self, claims: list[Claim]) -> None:
        return None

    def forget(self, claims: list[Claim]) -> None:
        return None

    def close_idle(self) -> None:
        return None

    def make_room(self) -> bool:
        return False

    async def stop(self) -> None:
        return None
