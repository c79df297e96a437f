"""The sockets that the doors listen on, and the certificates that they show."""

import socket
from pathlib import Path

from sesame.config import Settings
from sesame.errors import ConfigError
from sesame.observe import Clock, Log
from sesame.server.listener import listen
from sesame.server.tls import Certificate, development_files


class Listening:
    """Opens what the settings name."""

    def __init__(self, settings: Settings, *, clock: Clock, log: Log) -> None:
        self._settings = settings
        self._clock = clock
        self._log = log
        self._certificates: list[Certificate] = []

    def on(self, setting: str, host: str, port: int) -> socket.socket:
        """A socket that listens there. Raises `ConfigError` that names the setting."""
        try:
            return listen(host, port)
        except OSError as error:
            raise ConfigError(
                f"setting `{setting}`: cannot listen on {host}:{port} ({error.strerror}); choose another port"
            ) from error

    def on_or_any(self, setting: str, host: str, port: int) -> socket.socket:
        """The port of the setting; a second development server on one machine takes any free one."""
        try:
            return self.on(setting, host, port)
        except ConfigError:
            if self._settings.dns.resolver != "local":
                raise
            self._log.event("port_in_use", setting=setting, port=port)
            return self.on(setting, host, 0)

    def certificate(self, chain: Path, key: Path, *, setting: str) -> Certificate:
        """The certificate in these files, read anew by `reload`. Raises `ConfigError`."""
        certificate = Certificate(chain, key, setting=setting, log=self._log)
        self._certificates.append(certificate)
        return certificate

    def development_certificate(self) -> tuple[Path, Path]:
        """Chain and key of the certificate that we make ourselves; its CA is `ca.pem` beside them."""
        submission = self._settings.submission.hostname or self._settings.delivery.hostname
        names = ["localhost", submission, "127.0.0.1", "::1"]
        _, chain, key = development_files(self._settings.data_dir / "tls", names, now=self._clock.now())
        return chain, key

    def reload(self) -> None:
        """Read every certificate anew."""
        for certificate in self._certificates:
            certificate.context(anew=True)
