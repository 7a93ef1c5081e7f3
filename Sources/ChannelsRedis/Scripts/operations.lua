-- Groups, and what is there.

-- channel, queue, group, expiry, groups at most; or 'groups', how many it is in
function operations.group_add(args)
    local name, deadline = args[1], now + tonumber(args[4])
    local group = open_group(args[3])
    local membership = group and find_membership(group, name)
    if membership and membership[M.deadline] > now then
        if deadline <= membership[M.deadline] then return end
        local id = group[G.id]
        call('ZREM', members, 'B' .. id .. b8(membership[M.deadline]) .. name)
        call('ZADD', members, 0, 'B' .. id .. b8(deadline) .. name)
        put_row('m' .. id .. name, {membership[M.joined_after], membership[M.stamp], deadline})
        return keep(deadline)
    end
    if membership then
        end_lapsed(group, membership)
        save_group(group)
    end
    if deadline <= now then return end
    local current = 0
    local listed = call('ZLEXCOUNT', members, '[N' .. name .. '\0', '(N' .. name .. '\0\255')
    if listed >= tonumber(args[5]) then
        for _, member in ipairs(range(members, 'N' .. name .. '\0', listed)) do
            local other = find_group(string.sub(member, #name + 3))
            local own = other and not is_closed(other) and find_membership(other, name)
            if own and own[M.deadline] > now then current = current + 1 end
        end
        if current >= tonumber(args[5]) then return {'groups', current} end
    end
    make_queue(args[2])
    group = make_group(args[3])
    layer[L.stamp] = layer[L.stamp] + 1
    local id, stamp, joined_after = group[G.id], layer[L.stamp], layer[L.sequence]
    local key = subscription_key(args[2], id)
    put_row('m' .. id .. name, {joined_after, stamp, deadline})
    call('ZADD', members, 0, 'A' .. id .. name, 0, 'B' .. id .. b8(deadline) .. name, 0, 'N' .. name .. '\0' .. id,
        0, 'M' .. key .. b8(joined_after) .. b8(stamp) .. name, 0, 'S' .. key, 0, 'T' .. id .. args[2])
    if group[G.members] == 0 then layer[L.groups] = layer[L.groups] + 1 end
    group[G.members] = group[G.members] + 1
    if deadline < group[G.next_lapse] then
        group[G.next_lapse] = deadline
        set_due('l' .. id, deadline)
    end
    save_group(group)
    keep(deadline)
    ring_all(servers_at(name), 'j' .. id .. name)
end

-- channel, group
function operations.group_discard(args)
    local group = open_group(args[2])
    local membership = group and find_membership(group, args[1])
    if not membership then return end
    if membership[M.deadline] <= now then
        end_lapsed(group, membership)
    else
        end_membership(group, membership, layer[L.sequence])
    end
    save_group(group)
end

-- group, after, limit -> channels
function operations.group_members(args)
    local group = open_group(args[1])
    if not group then return {} end
    if not drain_lapses(group) then error(AGAIN) end
    local prefix = 'A' .. group[G.id]
    local found = call('ZRANGEBYLEX', members, '(' .. prefix .. args[2], '(' .. prefix .. '\255', 'LIMIT', 0, args[3])
    for index, member in ipairs(found) do found[index] = string.sub(member, 10) end
    return found
end

-- group. O(1): it is closed.
function operations.remove_group(args)
    local group = open_group(args[1])
    if not group then return end
    group[G.is_closed] = 1
    if group[G.members] > 0 then layer[L.groups] = layer[L.groups] - 1 end
    call('HDEL', rows, 'o' .. args[1])
    watch_unused(group)
    save_group(group)
end

-- channel, queue, capacity; `started` is the number up to which a mailbox's channel is purged
function operations.purge(args, started)
    local channel, queue = args[1], find_queue(args[2])
    if not queue then return end
    prepare(queue)
    settle(queue, tonumber(args[3]))
    layer[L.lane] = layer[L.lane] + 1
    if channel == args[2] then
        queue[Q.purged_lane] = layer[L.lane]
        if queue[Q.pending] > 0 then
            call('ZADD', copies, 0, 'g' .. b8(queue[Q.lane]))
            queue[Q.lane] = layer[L.lane]
            layer[L.pending] = layer[L.pending] - queue[Q.pending]
            count(queue, 'purged', queue[Q.pending])
            queue[Q.pending], queue[Q.early], queue[Q.first_deadline] = 0, 0, NEVER
        end
        return change(queue)
    end
    call('HSET', rows, 'p' .. channel, string.format('%.0f', layer[L.lane]))
    call('ZADD', due, now + 3600000000, 'p' .. channel)
    require_slice()
    local prefix = 'n' .. b8(queue[Q.lane]) .. channel .. '\0'
    local listed = call('ZRANGEBYLEX', copies, '[' .. prefix, '(' .. prefix .. b8(started + 1), 'LIMIT', 0, slice_rows)
    local purged = 0
    for _, member in ipairs(listed) do
        if is_slice_used() then break end
        local copy = first_copy(queue, string.sub(member, #prefix + 1))
        remove_copy(queue, copy)
        use_slice(1, copy.stamp == 0 and copy.bytes or 0)
        purged = purged + 1
    end
    count(queue, 'purged', purged)
    change(queue)
    if is_slice_used() then error(AGAIN) end
end

-- Drops everything. What had expired when it began counts as expired.
function operations.flush(_, _, started_at)
    sweep_due(started_at)
    if is_slice_used() then error(AGAIN) end
    if not is_slot_at_rest() then return {err = 'TRYAGAIN The slot is on its way to another node'} end
    local leases, handed = row('s'), {}
    for server in pairs(leases or {}) do handed[server] = handed_to(server) end
    call('UNLINK', rows, messages, copies, log, members, due)
    local servers = {}
    for server in pairs(leases or {}) do servers[#servers + 1] = server end
    layer[L.purged] = layer[L.purged] + layer[L.pending]
    layer[L.lane] = layer[L.lane] + 1
    layer[L.flushed_lane] = layer[L.lane]
    layer[L.pending], layer[L.queues], layer[L.groups], layer[L.kept_until] = 0, 0, 0, 0
    queues, groups = {}, {}
    make_keys()
    if leases then put_row('s', leases) end
    for server, count in pairs(handed) do count_handed(server, count) end
    ring_all(servers, 'f')
end

-- channel, queue, capacity, server
--   -> pending, age of the oldest or -1, how many other servers have receivers, six counts or none, groups
function operations.status(args)
    local channel, queue = args[1], find_queue(args[2])
    local is_own = channel == args[2]
    local elsewhere = 0
    for _, server in ipairs(servers_at(channel)) do if server ~= args[4] then elsewhere = elsewhere + 1 end end
    if not queue then return {0, -1, elsewhere, is_own and {0, 0, 0, 0, 0, 0} or {}, {}} end
    prepare(queue)
    local result = settlement(queue, tonumber(args[3]), NEVER)
    local waiting, oldest, accepted = queue[Q.pending], head(queue, channel), {}
    if not is_own then
        local prefix = 'n' .. b8(queue[Q.lane]) .. channel .. '\0'
        waiting = call('ZLEXCOUNT', copies, '[' .. prefix, '(' .. prefix .. '\255')
    end
    for _, copy in ipairs(result and result.accepted or {}) do
        if is_own or copy.channel == channel then accepted[#accepted + 1] = copy end
    end
    local sent_at
    if oldest then
        local stored = oldest.stored or call('HGET', messages, b8(oldest.number))
        sent_at = stored and unpack_struct('>I8', stored)
    end
    sent_at = sent_at or accepted[1] and accepted[1].sent_at
    local counts = {}
    if is_own then
        for index, column in ipairs({'sent', 'delivered', 'expired', 'purged', 'rejected', 'dropped'}) do
            counts[index] = queue[Q[column]]
        end
        counts[1] = counts[1] + #accepted
        counts[6] = counts[6] + (result and result.dropped or 0)
    end
    local names = {}
    for _, id in ipairs(groups_of(channel, NEVER)) do
        local group = find_group(id)
        if group and not is_closed(group) then
            local is_member = false
            for _, member in ipairs(is_own and range(members, 'M' .. subscription_key(args[2], id), NEVER) or {}) do
                local membership = find_membership(group, string.sub(member, #args[2] + 27))
                if membership and membership[M.deadline] > now then
                    is_member = true
                    break
                end
            end
            local membership = not is_own and find_membership(group, channel)
            if is_member or membership and membership[M.deadline] > now then names[#names + 1] = group[G.name] end
        end
    end
    return {waiting + #accepted, sent_at and now - sent_at or -1, elsewhere, counts, names}
end

-- server -> pending, sent, delivered, expired, purged, rejected, dropped, group sends, their copies, channels, groups, how
-- many messages the server was handed
function operations.stats(args)
    local answer = {layer[L.pending]}
    for _, column in ipairs({'sent', 'delivered', 'expired', 'purged', 'rejected', 'dropped', 'group_sends',
        'group_copies', 'queues', 'groups'}) do
        answer[#answer + 1] = layer[L[column]]
    end
    answer[#answer + 1] = handed_to(args[1])
    return answer
end

-- Writes, as a send would, and rings, which takes rights of its own.
function operations.probe() call('SPUBLISH', bell(''), '') end

-- What sends and receives read in any case: the rows of their queues, and who waits there.
local wanted_by = {
    send = function(args, want)
        for index = 1, #args, 7 do
            local channel, queue = args[index], args[index + 1]
            want('q', queue)
            want('w', channel)
            if queue ~= channel then want('w', queue) end
        end
    end,
    receive = function(args, want)
        local index = 2
        while index <= #args do
            local last = index + 4 + 3 * tonumber(args[index])
            for place = index + 6, last, 3 do want('q', args[place]) end
            index = last + 1
        end
    end,
}

-- The same for a send that is alone, as most are.
local function begin_send(args, shard, shards)
    local channel, queue = args[1], args[2]
    local found = call('HMGET', rows, 'layer', 'q' .. queue, 'w' .. channel, 'w' .. queue)
    begin(found[1], shard, shards)
    queues[queue] = found[2] and unpack_queue(found[2], queue) or false
    waiting_rows[channel], waiting_rows[queue] = found[3], found[4]
end

-- Begins a call that reads all of that at once.
local function begin_reading(name, args, shard, shards)
    local fields, names, is_wanted = {'layer'}, {}, {}
    wanted_by[name](args, function(tag, name)
        local field = tag .. name
        -- Of very many, the others are read one by one.
        if is_wanted[field] or #fields > 1000 then return end
        is_wanted[field] = true
        fields[#fields + 1], names[#fields + 1] = field, name
    end)
    local found = call('HMGET', rows, unpack(fields))
    begin(found[1], shard, shards)
    for index = 2, #fields do
        local name, packed = names[index], found[index]
        if string.sub(fields[index], 1, 1) == 'q' then
            queues[name] = packed and unpack_queue(packed, name) or false
        else
            waiting_rows[name] = packed or false
        end
    end
end

-- shard, shards, operation, started, started at, arguments... -> the operation's answer; or 'again', started, started at
local function perform(keys, args)
    call, pack, unpack_row = redis.call, cmsgpack.pack, cmsgpack.unpack
    pack_struct, unpack_struct = struct.pack, struct.unpack
    rows, messages, copies, log, members, due = unpack(keys)
    local name = args[3]
    local shard, shards = tonumber(args[1]), tonumber(args[2])
    local own = {unpack(args, 6)}
    if name == 'send' and #own == 7 then
        begin_send(own, shard, shards)
    elseif wanted_by[name] then
        begin_reading(name, own, shard, shards)
    else
        begin(call('HGET', rows, 'layer'), shard, shards)
    end
    local started = tonumber(args[4]) or layer[L.sequence]
    local started_at = tonumber(args[5]) or now
    local is_done, answer = pcall(operations[name], own, started, started_at)
    if not is_done then
        if answer ~= AGAIN then
            -- What it did until then stays, so it must be counted, too.
            finish()
            error(answer)
        end
        answer = {'again', string.format('%.0f', started), string.format('%.0f', started_at)}
    end
    finish()
    return answer or 'OK'
end

-- Two names for it: what frees memory is done although there is none left.
redis.register_function({function_name = 'laurel_NAME', callback = perform})
redis.register_function({function_name = 'laurel_NAME_free', callback = perform, flags = {'allow-oom'}})
