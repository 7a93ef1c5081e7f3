-- What is done in the background, a slice a call, by every server each second: to free what has expired, lapsed, or was
-- purged or removed. `due` has what, by when.

local function set_due(member, at)
    if at >= NEVER then call('ZREM', due, member) else call('ZADD', due, at, member) end
end

-- Whether somebody waits for the queue, or, where it is a mailbox, for one of its channels alone.
local function is_waited_for(name)
    if call('HEXISTS', rows, 'w' .. name) == 1 then return true end
    if string.sub(name, -1) ~= '!' then return false end
    for _, server in ipairs(all_servers()) do
        if range(members, 'W' .. server .. '\0' .. name, 1)[1] then return true end
    end
    return false
end

-- Lets go of a queue that nothing needs, or notes when to look at it again.
local function schedule_next(queue)
    local name = queue[Q.name]
    local at = queue[Q.first_deadline]
    if queue[Q.pending] == 0 then
        if range(members, 'S' .. name .. '\0', 1)[1] then
            at = NEVER
        elseif is_waited_for(name) then
            at = now + COUNTS_KEPT
        else
            at = queue[Q.last_change] + COUNTS_KEPT
        end
        if at <= now then
            call('HDEL', rows, 'q' .. name)
            queues[name] = false
            layer[L.queues] = layer[L.queues] - 1
            at = NEVER
        end
    end
    queue[Q.sweep_at] = at
    queue.is_changed = true
    set_due('q' .. name, at)
end

-- Lets go of a removed group's memberships, once nobody has anything to read any more. True when there are none.
local function clear_closed(group)
    local id = group[G.id]
    local names = range(members, 'A' .. id, math.max(1, slice_rows))
    for _, member in ipairs(names) do
        local membership = find_membership(group, string.sub(member, 10))
        remove_membership_members(group, membership)
    end
    use_slice(#names)
    if is_slice_used() then return false end
    local subscribed = range(members, 'T' .. id, math.max(1, slice_rows))
    for _, member in ipairs(subscribed) do
        local queue = string.sub(member, 10)
        for _, ending in ipairs(range(members, 'Z' .. subscription_key(queue, id), slice_rows)) do
            call('ZREM', members, ending)
            call('HDEL', rows, 'z' .. string.sub(ending, 2))
            call('ZREM', due, 'z' .. string.sub(ending, 2))
        end
        tidy_subscription(queue, id)
    end
    use_slice(#subscribed)
    return not is_slice_used()
end

local function sweep_unused(member)
    local id = string.sub(member, 2)
    local group = find_group(id)
    if not group or not is_closed(group) and group[G.members] > 0 then return call('ZREM', due, member) end
    if group[G.last_deadline] > now then return call('ZADD', due, group[G.last_deadline], member) end
    drain_entries(group)
    if is_closed(group) and not clear_closed(group) then return end
    if range(members, 'T' .. id, 1)[1] then return call('ZADD', due, now + 1000000, member) end
    if not is_closed(group) then call('HDEL', rows, 'o' .. group[G.name]) end
    call('HDEL', rows, 'g' .. id)
    call('ZREM', due, member, 'l' .. id, 'e' .. id)
    groups[id] = false
end

local sweep_by_tag = {
    q = function(member)
        local queue = find_queue(string.sub(member, 2))
        if not queue then return call('ZREM', due, member) end
        drain_expired(queue)
        schedule_next(queue)
    end,
    m = function(member)
        local number = string.sub(member, 2)
        use_slice(0, call('HSTRLEN', messages, number))
        call('HDEL', messages, number)
        call('ZREM', due, member)
    end,
    e = function(member)
        local group = find_group(string.sub(member, 2))
        if group then drain_entries(group) else call('ZREM', due, member) end
    end,
    l = function(member)
        local group = find_group(string.sub(member, 2))
        if not group then return call('ZREM', due, member) end
        if not drain_lapses(group) then error(AGAIN) end
    end,
    u = sweep_unused,
    z = function(member)
        local key = string.sub(member, 2)
        call('HDEL', rows, member)
        call('ZREM', members, 'Z' .. key)
        call('ZREM', due, member)
        local queue, id = string.match(key, '^(%C+)%z(........)')
        tidy_subscription(queue, id)
    end,
    t = function(member)
        if not has_lease(string.sub(member, 2)) then call('HDEL', rows, member) end
        call('ZREM', due, member)
    end,
    X = function(member)
        call('ZREM', members, member)
        call('ZREM', due, member)
    end,
    p = function(member)
        call('HDEL', rows, member)
        call('ZREM', due, member)
    end,
}

local function sweep_due(until_time)
    while not is_slice_used() do
        local found = call('ZRANGEBYSCORE', due, '-inf', string.format('%.0f', until_time), 'LIMIT', 0, 100)
        if #found == 0 then return end
        for _, member in ipairs(found) do
            if is_slice_used() then return end
            sweep_by_tag[string.sub(member, 1, 1)](member)
            use_slice(1)
        end
    end
end

local function collect_garbage()
    while not is_slice_used() do
        local purged = range(copies, 'g', 1)[1]
        if not purged then return end
        local lane = string.sub(purged, 2)
        local rest = 0
        for _, tag in ipairs({'c', 'r'}) do
            for _, member in ipairs(range(copies, tag .. lane, math.max(1, slice_rows))) do
                local copy = read_copy(member)
                free_copy(copy)
                use_slice(1, copy.stamp == 0 and copy.bytes or 0)
            end
            rest = rest + #range(copies, tag .. lane, 1)
        end
        if rest == 0 then call('ZREM', copies, purged) end
    end
end

-- server, process of Redis or '' -> the number of its lease: with another one it must ask again for all that it waits for; 1 where there is more
-- to sweep; how many messages it was handed
function operations.tick(args)
    local number = tonumber(args[2])
    if number then learn_process(number) end
    local lease = renew(args[1])
    local is_done, failure = pcall(function()
        sweep_due(now)
        collect_garbage()
    end)
    if not is_done and failure ~= AGAIN then error(failure) end
    return {lease, (not is_done or is_slice_used()) and 1 or 0, handed_to(args[1])}
end

-- server, channels... : nobody waits for them there any more
function operations.forget(args)
    for index = 2, #args do unregister(args[1], args[index]) end
end

-- server, channel, and its mailbox if it is in one: nobody waits for either there, and the bell rings at another
function operations.pass(args)
    for index = 2, #args do unregister(args[1], args[index]) end
    pass_on(args[2])
end
