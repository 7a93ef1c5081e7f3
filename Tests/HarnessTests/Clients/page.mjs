// What a page of another origin does with a Laurel: ?laurel=URL&role=… picks the part; the outcome is reported as JSON.
const parameters = new URLSearchParams(location.search);
const laurel = parameters.get("laurel");
const role = parameters.get("role");

const exposed = [
    "Content-Type", "Cache-Control", "Retry-After", "X-Request-Id", "Laurel-Channel", "Laurel-Group", "Laurel-Id",
    "Preference-Applied", "Location", "Allow", "Date", "Server",
];

async function call(path, options = {}) {
    const response = await fetch(laurel + path, { cache: "no-store", ...options });
    const headers = Object.fromEntries(exposed.filter((n) => response.headers.has(n)).map((n) => [n, response.headers.get(n)]));
    return { status: response.status, headers, text: await response.text() };
}

const roles = {
    // A preflight (JSON content, PUT), a long-poll that another request answers, every header, errors.
    async listed() {
        const json = { "Content-Type": "application/json", "X-Request-Id": "page-1" };
        const poll = call("/receive?channels=page&timeout=30");
        while (JSON.parse((await call("/channels/page")).text).waiting !== 1);
        const sent = await call("/channels/page?expiry=30", { method: "POST", headers: json, body: '{"n":1}' });
        const received = await poll;
        const joined = await call("/groups/g/page", { method: "PUT" });
        await call("/groups/g", { method: "POST", headers: json, body: '"all"' });
        const bare = await call("/receive?channels=page", {
            headers: { Accept: "application/octet-stream", Prefer: "wait=1000000" },
        });
        const made = await call("/channels", { method: "POST" });
        await call("/channels/full", { method: "POST", headers: json, body: "1" });
        const full = await call("/channels/full", { method: "POST", headers: json, body: "2" });
        const wrong = await call("/stats", { method: "POST" });
        return { sent, received, joined, bare, made, full, wrong };
    },
    async refused() {
        try {
            return { read: (await call("/stats")).status };
        } catch (error) {
            return { error: error.name };
        }
    },
    // Two tabs that poll the same URL.
    async tabs() {
        for (const tab of [1, 2]) {
            const url = new URL(location.href);
            url.searchParams.set("role", "tab");
            url.searchParams.set("tab", tab);
            open(url, "_blank");
        }
    },
    async tab() {
        return { tab: parameters.get("tab"), text: (await call("/receive?channels=tabs&timeout=30")).text };
    },
};

let outcome;
try {
    outcome = await roles[role]();
} catch (error) {
    outcome = { failed: String(error) };
}
if (outcome !== undefined) await fetch("/report", { method: "POST", body: JSON.stringify(outcome) });
