"""Where delivery's clock stood: a restart goes on with it, and not with a wall clock that was set meanwhile."""

from sesame.db import Store, Transaction
from sesame.observe import SteadyClock


async def load(store: Store, clock: SteadyClock, boot_id: str) -> None:
    """Go on with the clock of the former process, if the machine has run on since (`boot_id`).

    After a boot of the machine the wall clock is believed, but never back behind what was read.
    """

    async def run(tx: Transaction) -> tuple[str, float, float] | None:
        row = await tx.one("SELECT boot_id, monotonic, now FROM queue_clock WHERE id = 1")
        return None if row is None else (str(row[0]), float(row[1]), float(row[2]))

    found = await store.read(run)
    if found is None:
        return
    kept_boot_id, monotonic, now = found
    if boot_id and kept_boot_id == boot_id and clock.monotonic() >= monotonic:
        clock.resume(monotonic=monotonic, now=now)
    elif clock.now() < now:
        clock.resume(monotonic=clock.monotonic(), now=now)


async def keep(store: Store, clock: SteadyClock, boot_id: str) -> None:
    """Note where the clock stands."""
    monotonic, now = clock.monotonic(), clock.now()

    async def run(tx: Transaction) -> None:
        await tx.execute(
            "INSERT INTO queue_clock (id, boot_id, monotonic, now) VALUES (1, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET boot_id = ?, monotonic = ?, now = ?",
            *(boot_id, monotonic, now) * 2,
        )

    await store.write(run)
