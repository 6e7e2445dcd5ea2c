"""`python -m finsync_pipeline` is the `finsync` command."""

import sys

from finsync_pipeline.cli import main

sys.exit(main())
