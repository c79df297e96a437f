"""`sesame` with a store that does not wait for the disk: loses mail at a power cut, made to be measured."""

import functools
import sys

from sesame import app
from sesame.cli.main import main

if __name__ == "__main__":
    app.Server = functools.partial(app.Server, durable=False)  # type: ignore[misc, assignment]
    sys.exit(main())
