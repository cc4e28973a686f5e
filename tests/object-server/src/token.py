"""Makes a token (SAS) for a container of Azure: whoever has it may do what it says, until the year 2099."""

import base64
import hashlib
import hmac
import sys
import urllib.parse

account, key, container, rights = sys.argv[1:]
version, end = "2020-10-02", "2099-01-01T00:00:00Z"
signed = "\n".join([rights, "", end, f"/blob/{account}/{container}", "", "", "", version, "c", "", "", "", "", "", ""])
signature = base64.b64encode(hmac.new(base64.b64decode(key), signed.encode(), hashlib.sha256).digest()).decode()
print(urllib.parse.urlencode({"sv": version, "sr": "c", "sp": rights, "se": end, "sig": signature}))
