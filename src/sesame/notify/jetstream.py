"""Publishes to one subject of the operator's NATS JetStream, with nats-py, which the extra `sesame-ses[nats]` brings.

A message counts as published once the stream says that it has kept it. One that is published again (no answer came, or
none that says so) has the same `Nats-Msg-Id`, by which the stream leaves it out for as long as its duplicate window is.
The connection is made with the first message and again with the next one after it ended. Source: NATS documentation,
"JetStream", "Message deduplication".
"""

import asyncio
import importlib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sesame.errors import ConfigError
from sesame.notify.url import PostFailed

MESSAGE_ID = "Nats-Msg-Id"
CLOSE_S = 2.0


def nats_client() -> Any:
    """The client library. Raises `ConfigError` where it is not installed."""
    try:
        return importlib.import_module("nats")
    except ModuleNotFoundError:
        raise ConfigError(
            "setting `notify.nats_servers`: the NATS client is not installed; install it with"
            " `pip install 'sesame-ses[nats]'`, or empty the setting"
        ) from None


class JetStream:
    """`servers` are URLs, tried in their order; `context` checks the certificates of those with `tls://`.

    `timeout_s` bounds a connection and a publication each.
    """

    def __init__(
        self,
        client: Any,
        servers: Sequence[str],
        *,
        context: ssl.SSLContext,
        user: str = "",
        password: str = "",
        timeout_s: float = 15.0,
    ) -> None:
        self._client = client
        self._servers = tuple(servers)
        self._context = context
        self._login = {"user": user, "password": password} if user else {}
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._connecting = asyncio.Lock()

    async def publish(self, subject: str, body: bytes, *, message_id: str) -> None:
        """Publish one message and wait until the stream has kept it. Raises `PostFailed`."""
        try:
            connection = await self._connected()
            await connection.jetstream().publish(
                subject, body, timeout=self._timeout_s, headers={MESSAGE_ID: message_id}
            )
        except self._client.js.errors.NoStreamResponseError:
            raise PostFailed(f"no JetStream stream has the subject `{subject}`") from None
        except TimeoutError:
            raise PostFailed(f"the stream did not answer within {self._timeout_s:g} seconds") from None
        except (self._client.errors.Error, OSError, ValueError) as error:
            raise PostFailed(f"NATS: {error or type(error).__name__}"[:300]) from error

    async def close(self) -> None:
        """Close the connection; the next message makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await _end(connection)

    async def _connected(self) -> Any:
        async with self._connecting:
            if self._connection is None or not self._connection.is_connected:
                await self.close()
                self._connection = await self._connect()
            return self._connection

    async def _connect(self) -> Any:
        """A connection to the first server that takes one."""
        failure: Exception = PostFailed("there is no server")
        for server in self._servers:
            connection, errors = self._client.NATS(), _Errors()
            try:
                await asyncio.wait_for(
                    connection.connect(
                        server,
                        name="sesame",
                        allow_reconnect=False,  # the outbox is what waits and tries again
                        connect_timeout=self._timeout_s,
                        error_cb=errors.take,
                        **({"tls": self._context} if server.startswith("tls://") else {}),
                        **self._login,
                    ),
                    self._timeout_s,
                )
            except BaseException as error:
                errors.is_connecting = False
                await _end(connection)
                if not isinstance(error, self._client.errors.Error | OSError | ValueError | TimeoutError):
                    raise
                failure = error
            else:
                errors.is_connecting = False
                return connection
        raise failure


async def _end(connection: Any) -> None:
    """Close a connection, whatever became of it."""
    with suppress(Exception):
        await asyncio.wait_for(connection.close(), CLOSE_S)


class _Errors:
    """Takes what the library would print. While it connects it would try again itself, so that has to end there."""

    def __init__(self) -> None:
        self.is_connecting = True

    async def take(self, error: Exception) -> None:
        """One error; raised while it connects, else whoever waits for an answer gets it too."""
        if self.is_connecting:
            raise error
