"""`sesame` with a store that does not wait for the disk: loses mail at a power cut, made to be measured."""

import functools
import sys

from sesame.app import server
from sesame.cli.main import main

if __name__ == "__main__":
    server.Server = functools.partial(server.Server, durable=False)  # type: ignore[misc, assignment]
    sys.exit(main())
