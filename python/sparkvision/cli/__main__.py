"""`python -m sparkvision.cli`."""

import sys

from sparkvision.cli import main

sys.exit(main())
