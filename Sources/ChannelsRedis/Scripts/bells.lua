-- Bells: how a server whose receivers wait hears that something may be there. A bell is a wake-up, never a message: the
-- server comes and takes, or finds nothing. A message rings one server, and one that has nobody any more passes it on; a
-- group send rings all, as each knows which of its waiting channels are in the group.
--
-- The row 's' has each server that is there with the end of its lease, and the lease's number: another one whenever
-- something may have been forgotten that it had asked to be rung for. The row of 'w' and a channel has the servers with
-- receivers there. In `members`: W server 0 channel, to find them when a lease has ended.
--
-- The row of 't' and a server counts the messages that it was handed, less those that it gave back: from that it finds out
-- how many have never come to it. It is kept for an hour after the lease, as who was cut off for long comes back and asks.

local LEASE = 5000000
local HANDED_KEPT = 3600000000

local function bell(server) return string.sub(rows, 1, -5) .. 'bell:' .. server end

-- Returns how many have heard it. What is refused, as there is no right to it, must not end what is under way: readiness tells
-- of that.
local function publish(server, text)
    local heard = redis.pcall('SPUBLISH', bell(server), text)
    return type(heard) == 'number' and heard or 0
end

local function waiting_row(channel)
    local packed = waiting_rows[channel]
    if packed == nil then packed = call('HGET', rows, 'w' .. channel) end
    return packed and unpack_row(packed) or {}
end

-- With those that wait for all of its mailbox.
local function servers_at(channel)
    local mailbox = queue_name(channel)
    if mailbox == channel then return waiting_row(channel) end
    local found = waiting_row(mailbox)
    for _, server in ipairs(waiting_row(channel)) do found[#found + 1] = server end
    return found
end

-- Rings one of the servers, another one each time, that listens.
local function ring_one(channel, servers)
    if #servers == 0 then return end
    layer[L.bells] = layer[L.bells] + 1
    for offset = 1, #servers do
        local server = servers[(layer[L.bells] + offset) % #servers + 1]
        if publish(server, 'm' .. channel) > 0 then return end
    end
end

local function ring_all(servers, text)
    for _, server in ipairs(servers) do publish(server, text) end
end

local function all_servers()
    local found = {}
    for server in pairs(row('s') or {}) do found[#found + 1] = server end
    return found
end

local function register(server, channel)
    if call('ZADD', members, 0, 'W' .. server .. '\0' .. channel) == 0 then return end
    local servers = row('w' .. channel) or {}
    servers[#servers + 1] = server
    put_row('w' .. channel, servers)
end

local function unregister(server, channel)
    if call('ZREM', members, 'W' .. server .. '\0' .. channel) == 0 then return end
    local left = {}
    for _, other in ipairs(row('w' .. channel) or {}) do if other ~= server then left[#left + 1] = other end end
    if #left > 0 then put_row('w' .. channel, left) else call('HDEL', rows, 'w' .. channel) end
end

-- A bell that rang for nobody may have been for somebody else.
local function pass_on(channel)
    local queue = find_queue(queue_name(channel))
    if queue and (queue[Q.pending] > 0 or #groups_with_news(queue) > 0) then ring_one(channel, servers_at(channel)) end
end

local function count_handed(server, change)
    if change == 0 then return end
    -- A new row goes in any case, should its server never have a lease again.
    if call('HINCRBY', rows, 't' .. server, change) == change then call('ZADD', due, now + HANDED_KEPT, 't' .. server) end
end

local function handed_to(server) return tonumber(call('HGET', rows, 't' .. server) or 0) end

local function has_lease(server) return (row('s') or {})[server] ~= nil end

-- Renews a server's lease, and lets go of those whose lease has ended, a slice at a time. Returns the lease's number.
local function renew(server)
    local leases = row('s') or {}
    local own = leases[server]
    local is_changed = false
    if not own or own[1] < now then
        layer[L.bells] = layer[L.bells] + 1
        own = {now + LEASE, layer[L.bells]}
        is_changed = true
    elseif own[1] < now + LEASE / 2 then
        own[1] = now + LEASE
        is_changed = true
    end
    leases[server] = own
    for other, lease in pairs(leases) do
        if lease[1] < now and not is_slice_used() then
            local prefix = 'W' .. other .. '\0'
            local left = range(members, prefix, math.max(1, slice_rows))
            for _, member in ipairs(left) do
                local channel = string.sub(member, #prefix + 1)
                unregister(other, channel)
                pass_on(channel)
            end
            use_slice(#left)
            if not is_slice_used() then
                leases[other] = nil
                call('ZADD', due, now + HANDED_KEPT, 't' .. other)
                is_changed = true
            end
        end
    end
    if is_changed then put_row('s', leases) end
    return own[2]
end
