-- Queues and their copies. A copy is a message in a queue; `stamp` is that of the membership by which a group's came, 0
-- for a direct one. In `copies`:
--   c lane number stamp | deadline bytes(4) channel     in the order of their deadlines, too
--   r lane number stamp | deadline bytes(4) channel     those that expire before one in front of them
--   e lane deadline number stamp                        the same by deadline
--   n lane channel 0 number stamp                       in a mailbox
--   g lane                                              what was purged, to be freed
-- `channel` is empty for the queue's own. After it, with a zero byte in front, may be the message itself, as it would stand in
-- `messages`.

local function find_queue(name)
    local queue = queues[name]
    if queue == nil then
        local packed = call('HGET', rows, 'q' .. name)
        queue = packed and unpack_queue(packed, name)
        queues[name] = queue or false
    end
    return queue
end

local function save(queue)
    queue.is_changed = true
    local at = queue[Q.pending] > 0 and queue[Q.first_deadline] or queue[Q.last_change] + COUNTS_KEPT
    -- Only ever earlier: a sweep that comes too early costs less than to move it each time.
    if at < queue[Q.sweep_at] then
        queue[Q.sweep_at] = at
        call('ZADD', due, at, 'q' .. queue[Q.name])
    end
end

local function change(queue)
    queue[Q.last_change] = now
    save(queue)
end

local function make_queue(name)
    local queue = find_queue(name)
    if queue then return queue end
    layer[L.lane] = layer[L.lane] + 1
    layer[L.queues] = layer[L.queues] + 1
    queue = {layer[L.lane], 0, layer[L.sequence], NEVER, 0, NEVER, 0, now, 0, 0, 0, 0, 0, 0, 0, name}
    queues[name] = queue
    change(queue)
    return queue
end

local function read_copy(member)
    local lane, number, stamp, deadline, bytes = unpack_struct('>I8I8I8I8I4', member, 2)
    local name_end = string.find(member, '\0', 38, true)
    return {
        member = member, lane = lane, number = number, stamp = stamp, deadline = deadline, bytes = bytes,
        is_early = string.byte(member) == 114, channel = string.sub(member, 38, name_end and name_end - 1),
        stored = name_end and string.sub(member, name_end + 1),
    }
end

local function early_member(copy)
    return pack_struct('>c1I8I8I8I8', 'e', copy.lane, copy.deadline, copy.number, copy.stamp)
end

local function name_member(copy)
    return 'n' .. b8(copy.lane) .. copy.channel .. '\0' .. b8(copy.number) .. b8(copy.stamp)
end

-- Puts a copy {number, stamp, deadline, bytes, channel, stored} into a queue; it is there after `write_new`.
local function insert_copy(queue, copy, is_returned)
    copy.lane = queue[Q.lane]
    if queue[Q.pending] == 0 then queue[Q.last_deadline] = 0 end
    -- One that comes back stands in front of younger ones, whatever its deadline.
    copy.is_early = is_returned or copy.deadline < queue[Q.last_deadline]
    local member = pack_struct('>c1I8I8I8I8I4', copy.is_early and 'r' or 'c', copy.lane, copy.number, copy.stamp,
        copy.deadline, copy.bytes) .. copy.channel
    if copy.stored then member = member .. '\0' .. copy.stored end
    add_copy(member)
    if copy.is_early then
        add_copy(early_member(copy))
        queue[Q.early] = queue[Q.early] + 1
    else
        queue[Q.last_deadline] = copy.deadline
    end
    if copy.channel ~= '' then add_copy(name_member(copy)) end
    queue[Q.first_deadline] = math.min(queue[Q.first_deadline], copy.deadline)
    queue[Q.pending] = queue[Q.pending] + 1
    layer[L.pending] = layer[L.pending] + 1
end

local function free_copy(copy)
    if not copy.is_early and copy.channel == '' then
        call('ZREM', copies, copy.member)
    else
        call('ZREM', copies, copy.member, early_member(copy), name_member(copy))
    end
    -- A group's stays, for the other copies, until it expires.
    if copy.stamp == 0 and not copy.stored then free_message(copy.number) end
end

local function remove_copy(queue, copy)
    free_copy(copy)
    if copy.is_early then queue[Q.early] = queue[Q.early] - 1 end
    queue[Q.pending] = queue[Q.pending] - 1
    layer[L.pending] = layer[L.pending] - 1
end

-- The first copy in a queue whose number and stamp begin with `prefix`.
local function first_copy(queue, prefix)
    prefix = b8(queue[Q.lane]) .. prefix
    local member = range(copies, 'c' .. prefix, 1)[1]
    local early = queue[Q.early] > 0 and range(copies, 'r' .. prefix, 1)[1]
    if early and (not member or string.sub(early, 10, 25) < string.sub(member, 10, 25)) then member = early end
    return member and read_copy(member)
end

-- The oldest copy of a queue, or of one channel in it.
local function head(queue, channel)
    if channel == queue[Q.name] then return first_copy(queue, '') end
    local prefix = 'n' .. b8(queue[Q.lane]) .. channel .. '\0'
    local member = range(copies, prefix, 1)[1]
    return member and first_copy(queue, string.sub(member, #prefix + 1))
end

-- Takes expired copies out of a queue, as far as the slice goes.
local function drain_expired(queue)
    if queue[Q.first_deadline] > now then return end
    require_slice()
    write_new()
    local lane = b8(queue[Q.lane])
    local drained = 0
    local function drain(copy)
        remove_copy(queue, copy)
        use_slice(1, copy.stamp == 0 and copy.bytes or 0)
        drained = drained + 1
    end
    local early = call('ZRANGEBYLEX', copies, '[e' .. lane, '(e' .. lane .. b8(now + 1), 'LIMIT', 0, slice_rows)
    for _, member in ipairs(early) do
        if is_slice_used() then break end
        drain(read_copy(range(copies, 'r' .. lane .. string.sub(member, 18), 1)[1]))
    end
    -- The others expire from the head on.
    while not is_slice_used() do
        local member = range(copies, 'c' .. lane, 1)[1]
        local copy = member and read_copy(member)
        if not copy or copy.deadline > now then break end
        drain(copy)
    end
    count(queue, 'expired', drained)
    local function first(tag, offset)
        local member = range(copies, tag .. lane, 1)[1]
        return member and unpack_struct('>I8', member, offset) or NEVER
    end
    queue[Q.first_deadline] = math.min(first('c', 26), first('e', 10))
    if drained > 0 then change(queue) else save(queue) end
    if queue[Q.first_deadline] <= now then error(AGAIN) end
end
