"""Reads a URL as a service in Python would; prints `ok <bytes>`, or the exception's class and what it was caused by."""

import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen(sys.argv[1], timeout=float(sys.argv[2])) as response:
        print("ok", len(response.read()))
except urllib.error.URLError as error:
    print(type(error).__name__, type(error.reason).__name__)
except Exception as error:
    print(type(error).__name__)
