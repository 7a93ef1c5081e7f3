"""What a program in Python needs to use channels: the standard library. Called with the server's URL by the tests."""

import json
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

BASE = sys.argv[1]


def call(method, path, value=None, **query):
    url = BASE + path + ("?" + urllib.parse.urlencode(query, doseq=True) if query else "")
    content = None if value is None else json.dumps(value).encode()
    headers = {} if content is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=content, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        text = response.read()
        return json.loads(text) if text else None


def channel(name):
    return "/channels/" + urllib.parse.quote(name, safe="")


# A long-poll that a message sent later answers.
received = []
poll = threading.Thread(target=lambda: received.append(call("GET", "/receive", channels="py a,py b", timeout=30)))
poll.start()
while call("GET", channel("py b"))["waiting"] != 1:
    pass
call("POST", channel("py b"), {"text": "grüße", "n": 2**53 + 1})
poll.join()
assert received[0]["channel"] == "py b", received
assert received[0]["message"] == {"text": "grüße", "n": 2**53 + 1}, received

# Nothing there: at once, and after a short wait.
assert call("GET", "/receive", channels="py a") is None
assert call("POST", "/receive", {"channels": ["py a"], "timeout": 0.1}) is None

# A group, and an error that says what is wrong.
call("PUT", "/groups/py/" + urllib.parse.quote("a,b/c", safe=""))
assert call("POST", "/groups/py", "hello")["members"] == 1
assert call("GET", "/receive", channel="a,b/c")["group"] == "py"
try:
    call("POST", channel("x" * 201), 1)
    raise SystemExit("a name of 201 characters was accepted")
except urllib.error.HTTPError as error:
    assert error.code == 400
    assert json.load(error)["type"] == "/problems/invalid-name"

print("ok")
