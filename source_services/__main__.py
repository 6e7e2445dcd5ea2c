"""`python -m source_services` runs the command line."""

import sys

from source_services.cli import main

if __name__ == "__main__":
    sys.exit(main())
