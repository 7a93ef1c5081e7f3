// What a program in JavaScript needs to use channels: fetch. Called with the server's URL by the tests.
import assert from "node:assert/strict";

const base = process.argv[2];

async function call(method, path, value) {
    const response = await fetch(base + path, {
        method,
        headers: value === undefined ? {} : { "Content-Type": "application/json" },
        body: value === undefined ? undefined : JSON.stringify(value),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : null };
}

const name = encodeURIComponent;

// A long-poll that a message sent later answers.
const poll = call("POST", "/receive", { channels: ["node a", "node b"], timeout: 30 });
while ((await call("GET", `/channels/${name("node b")}`)).body.waiting !== 1);
await call("POST", `/channels/${name("node b")}`, { text: "grüße", list: [1, 2] });
const delivery = (await poll).body;
assert.equal(delivery.channel, "node b");
assert.deepEqual(delivery.message, { text: "grüße", list: [1, 2] });

// One that its client gives up takes nothing.
const aborter = new AbortController();
const given = fetch(`${base}/receive?channels=given-up&timeout=30`, { signal: aborter.signal });
while ((await call("GET", "/channels/given-up")).body.waiting !== 1);
aborter.abort();
await assert.rejects(given);
while ((await call("GET", "/channels/given-up")).body.waiting !== 0);
await call("POST", "/channels/given-up", "still here");
assert.equal((await call("GET", "/receive?channels=given-up")).body.message, "still here");

// An error says what is wrong.
const refused = await call("POST", "/channels/x?expiry=soon", 1);
assert.equal(refused.status, 400);
assert.equal(refused.body.type, "/problems/invalid-parameter");

console.log("ok");
