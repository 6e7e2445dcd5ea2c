"""`python -m finsync_pipeline.identity.names`: try the known names anew, and keep what they prove."""

import json

from finsync_pipeline.identity.names.trial import KNOWN_TRIED, try_known_names

tried = try_known_names()
known = {"right": tried.right, "wrong": tried.wrong}
KNOWN_TRIED.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
print(KNOWN_TRIED)
