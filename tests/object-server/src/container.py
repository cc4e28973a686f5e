"""Makes a container in Azurite."""

import base64
import email.utils
import hashlib
import hmac
import sys
import urllib.parse
import urllib.request

endpoint, account, key, container = sys.argv[1:]
date, version = email.utils.formatdate(usegmt=True), "2021-08-06"
path = urllib.parse.urlparse(endpoint).path
signed = f"PUT{chr(10) * 12}x-ms-date:{date}\nx-ms-version:{version}\n/{account}{path}/{container}\nrestype:container"
digest = hmac.new(base64.b64decode(key), signed.encode(), hashlib.sha256).digest()
headers = {
    "x-ms-date": date,
    "x-ms-version": version,
    "content-length": "0",
    "authorization": f"SharedKey {account}:{base64.b64encode(digest).decode()}",
}
urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{container}?restype=container", method="PUT", headers=headers))
