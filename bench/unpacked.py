"""Runs the bench where programs of Debian packages that are only unpacked (`dpkg -x`) look installed.

Two mail servers conflict as packages; unpacked into one directory they do not. A mount namespace of its own lays that
directory over the system's, and goes with the process: the machine stays as it is. Needs root.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

NAMESPACE = """
set -e
mount -t tmpfs none /mnt && mkdir /mnt/eu /mnt/ew /mnt/uu /mnt/uw /mnt/lu /mnt/lw
mount -t overlay none -o lowerdir=$UNPACKED/usr:/usr,upperdir=/mnt/uu,workdir=/mnt/uw /usr
mount -t overlay none -o lowerdir=/etc,upperdir=/mnt/eu,workdir=/mnt/ew /etc
mount -t overlay none -o lowerdir=/var/lib,upperdir=/mnt/lu,workdir=/mnt/lw /var/lib
mount -t tmpfs none /var/spool && mount -t tmpfs none /run
mkdir -p /var/spool/postfix /run/sshd /var/lib/opensmtpd/empty && mkdir -m 711 /var/spool/smtpd
ldconfig
for user in Debian-exim opensmtpd opensmtpq; do id $user >/dev/null 2>&1 || useradd -r -d /run/sshd $user; done
exec "$@"
"""


def run(directory: str, names: Sequence[str]) -> int:
    """The bench in such a namespace; its exit code."""
    command = ["unshare", "-m", "bash", "-c", NAMESPACE, "bash", sys.executable, "-m", "bench", *names]
    return subprocess.run(command, env={**os.environ, "UNPACKED": directory}, check=False).returncode
