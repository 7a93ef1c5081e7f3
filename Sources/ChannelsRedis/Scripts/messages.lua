-- Sending and receiving. A message stands in `messages` under its number, as the client gets it:
--   sent-at(8) deadline(8) id-epoch(8) id-number(8) flags(1) type-bytes(2) group-bytes(2) type group content
-- flags: 1 JSON, 2 it has a media type. The id is that of the group send, the same on all shards; 0: its own number.
-- A small one that was sent to a channel stands with its copy in the queue instead: there is no other.

local operations = {}

local function as_stored(deadline, flags, type, group, id_epoch, id_number, content)
    return pack_struct('>I8I8I8I8BI2I2', now, deadline, id_epoch, id_number, flags, #type, #group)
        .. type .. group .. content
end

local function put_message(number, deadline, stored)
    local count = #new_messages
    new_messages[count + 1], new_messages[count + 2] = b8(number), stored
    keep(deadline)
end

-- As what was thrown is answered. Its text says that it was in the midst of the library, as Redis's own would.
local function as_error(thrown)
    return {err = 'ERR user_function: ' .. (type(thrown) == 'table' and thrown.err or tostring(thrown))}
end

-- Returns the message's number, 0 where there is no room for it.
local function send_one(channel, queue, expiry, capacity, flags, type, content)
    prepare(queue)
    settle(queue, capacity)
    if queue[Q.pending] >= capacity and expiry > 0 then
        count(queue, 'rejected', 1)
        change(queue)
        return 0
    end
    local number = layer[L.sequence] + 1
    layer[L.sequence] = number
    count(queue, 'sent', 1)
    if expiry > 0 then
        local deadline = now + expiry
        local stored = as_stored(deadline, flags, type, '', 0, 0, content)
        local is_small = #stored <= SMALL_BYTES
        if not is_small then put_message(number, deadline, stored) end
        insert_copy(queue, {
            number = number, stamp = 0, deadline = deadline, bytes = #content,
            channel = channel == queue[Q.name] and '' or channel, stored = is_small and stored,
        })
        keep(deadline)
        ring_one(channel, servers_at(channel))
    else
        -- Who waits takes from the store, as everybody: by then it has expired.
        count(queue, 'expired', 1)
    end
    change(queue)
    return number
end

-- (channel, queue, expiry, capacity, flags, type, content)... -> epoch, (number, pending)...
-- In place of a number: 0 where the queue is full, -1 where it must be sent again, the error of one that failed.
function operations.send(args)
    local answers, is_put_off = {layer[L.epoch]}, {}
    for index = 1, #args, 7 do
        local queue = make_queue(args[index + 1])
        local is_done, number = false, AGAIN
        -- What is put off keeps its place before what comes after it.
        if not is_put_off[queue] then
            is_done, number = pcall(send_one, args[index], queue, tonumber(args[index + 2]), tonumber(args[index + 3]),
                tonumber(args[index + 4]), args[index + 5], args[index + 6])
        end
        if number == AGAIN then
            is_put_off[queue] = true
            use_slice(SLICE_ROWS)
            number = -1
        elseif not is_done then
            -- The others have nothing to do with it.
            number = as_error(number)
        end
        answers[#answers + 1] = number
        answers[#answers + 1] = queue[Q.pending]
    end
    return answers
end

-- group, expiry, flags, type, content, id-epoch, id-number, excluded channels... -> epoch, number, members
function operations.send_group(args)
    local name, expiry, content = args[1], tonumber(args[2]), args[5]
    local group = open_group(name)
    -- Should a slice not suffice, who lapsed within the last second is still counted, but gets nothing.
    if group then drain_lapses(group) end
    local excluded = {}
    for index = 8, group and #args or 0 do
        local membership = find_membership(group, args[index])
        if membership and membership[M.deadline] <= now then
            end_lapsed(group, membership)
            save_group(group)
        elseif membership then
            excluded[args[index]] = membership
        end
    end
    local number = layer[L.sequence] + 1
    layer[L.sequence] = number
    layer[L.group_sends] = layer[L.group_sends] + 1
    local recipients = group and group[G.members] or 0
    for _ in pairs(excluded) do recipients = recipients - 1 end
    layer[L.group_copies] = layer[L.group_copies] + recipients
    if recipients > 0 and expiry > 0 then
        local deadline = now + expiry
        put_message(number, deadline,
            as_stored(deadline, tonumber(args[3]), args[4], name, tonumber(args[6]), tonumber(args[7]), content))
        call('ZADD', due, deadline, 'm' .. b8(number))
        append_entry(group, number, deadline, #content)
        save_group(group)
        layer[L.group_sequence] = number
        for channel, membership in pairs(excluded) do
            local member = 'X' .. queue_name(channel) .. '\0' .. b8(number) .. b8(membership[M.stamp]) .. b8(deadline)
            call('ZADD', members, 0, member)
            call('ZADD', due, deadline, member)
        end
        ring_all(all_servers(), 'g' .. group[G.id])
    end
    return {layer[L.epoch], number, recipients}
end

-- The groups of a channel, or of all in a mailbox; at most so many and one.
local function groups_of(channel, most)
    local found = {}
    local prefix = (string.sub(channel, -1) == '!' and queue_name(channel) == channel and 'S' or 'N') .. channel .. '\0'
    for _, member in ipairs(range(members, prefix, most + 1)) do found[#found + 1] = string.sub(member, #prefix + 1) end
    return found
end

-- How many messages this call has taken, be it for one that failed.
local handed

local function take(queue, copy, taken)
    local stored = copy.stored or call('HGET', messages, b8(copy.number))
    remove_copy(queue, copy)
    change(queue)
    if not stored then
        count(queue, 'purged', 1)
        return 0
    end
    count(queue, 'delivered', 1)
    handed = handed + 1
    taken[#taken + 1] = copy.channel == '' and queue[Q.name] or copy.channel
    taken[#taken + 1] = copy.number
    taken[#taken + 1] = copy.stamp
    taken[#taken + 1] = stored
    return copy.bytes
end

-- The arguments from `first` to `last` are one receive's. Returns the bytes of what is taken, too.
local function receive_one(server, args, first, last)
    local messages_max, bytes_max = tonumber(args[first + 1]), tonumber(args[first + 2])
    local heads = {}
    local settled = {}
    for index = first + 4, last, 3 do
        local channel, name = args[index], args[index + 1]
        local queue = find_queue(name)
        if queue and not settled[name] then
            settled[name] = true
            prepare(queue)
            settle(queue, tonumber(args[index + 2]))
        end
        local copy = queue and queue[Q.pending] > 0 and head(queue, channel)
        if copy then heads[#heads + 1] = {channel = channel, queue = queue, copy = copy} end
    end
    local taken = {'taken', layer[L.epoch], layer[L.lane]}
    local bytes, taken_count = 0, 0
    while taken_count < messages_max and #heads > 0 do
        local oldest = 1
        for index = 2, #heads do
            local one, other = heads[index].copy, heads[oldest].copy
            if one.number < other.number or one.number == other.number and one.stamp < other.stamp then oldest = index end
        end
        local next = heads[oldest]
        if taken_count > 0 and bytes + next.copy.bytes > bytes_max then break end
        bytes = bytes + take(next.queue, next.copy, taken)
        taken_count = (#taken - 3) / 4
        if taken_count < messages_max then
            next.copy = next.queue[Q.pending] > 0 and head(next.queue, next.channel) or nil
            if not next.copy then table.remove(heads, oldest) end
        end
    end
    if taken_count > 0 then return taken, bytes end
    if args[first] == '0' then return {'none'}, 0 end
    if not has_lease(server) then return {'unknown'}, 0 end
    local answer = {'none'}
    for index = first + 4, last, 3 do
        register(server, args[index])
        answer[#answer + 1] = groups_of(args[index], tonumber(args[first + 3]))
    end
    return answer, 0
end

-- server, (names, 1 where it is to be rung or 0, messages, bytes, groups, (channel, queue, capacity)...)... -> for each
--   'taken', epoch, lane, (channel, number, stamp, message)...; or
--   'none', (groups of the channel)... where it is rung from now on; 'unknown' where it has no lease; or
--   -1 where it must be called again; or the error of one that failed
function operations.receive(args)
    local server = args[1]
    handed = 0
    local answers, answer_bytes, index = {}, 0, 2
    while index <= #args do
        local last = index + 4 + 3 * tonumber(args[index])
        local is_done, answer, bytes = false, AGAIN, 0
        -- Others want to be served meanwhile.
        if answer_bytes < ANSWER_BYTES then
            is_done, answer, bytes = pcall(receive_one, server, args, index + 1, last)
        end
        if is_done then
            answer_bytes = answer_bytes + bytes
        elseif answer == AGAIN then
            use_slice(SLICE_ROWS)
            answer = -1
        else
            answer = as_error(answer)
        end
        answers[#answers + 1] = answer
        index = last + 1
    end
    count_handed(server, handed)
    return answers
end

local function give_back_one(channel, name, number, stamp, lane, stored)
    local _, deadline, _, _, _, type_bytes, group_bytes = unpack_struct('>I8I8I8I8BI2I2', stored)
    local queue = make_queue(name)
    -- Redis has forgotten that it was taken.
    if first_copy(queue, b8(number) .. b8(stamp)) then return end
    if queue[Q.delivered] > 0 then
        queue[Q.delivered] = queue[Q.delivered] - 1
    else
        queue[Q.sent] = queue[Q.sent] + 1  -- its counts began anew since
    end
    layer[L.delivered] = layer[L.delivered] - 1
    local purged = math.max(queue[Q.purged_lane], layer[L.flushed_lane],
        tonumber(call('HGET', rows, 'p' .. channel) or 0))
    if purged > lane then
        count(queue, 'purged', 1)
    elseif deadline <= now then
        count(queue, 'expired', 1)
    else
        local is_small = stamp == 0 and #stored <= SMALL_BYTES
        if not is_small then
            write_freed()
            if call('HSETNX', messages, b8(number), stored) == 1 and stamp > 0 then
                call('ZADD', due, deadline, 'm' .. b8(number))
            end
        end
        keep(deadline)
        insert_copy(queue, {
            number = number, stamp = stamp, deadline = deadline, bytes = #stored - 37 - type_bytes - group_bytes,
            channel = channel == name and '' or channel, stored = is_small and stored,
        }, true)
        write_new()
        ring_one(channel, servers_at(channel))
    end
    change(queue)
end

-- server, (channel, queue, number, stamp, epoch, lane, message)... -> how many are lost
function operations.give_back(args)
    local lost, returned = 0, 0
    for index = 2, #args, 7 do
        local queue = find_queue(args[index + 1])
        if queue then drain_expired(queue) end
    end
    for index = 2, #args, 7 do
        if tonumber(args[index + 4]) == layer[L.epoch] then
            give_back_one(args[index], args[index + 1], tonumber(args[index + 2]), tonumber(args[index + 3]),
                tonumber(args[index + 5]), args[index + 6])
            returned = returned + 1
        else
            lost = lost + 1  -- Redis has begun anew since
        end
    end
    count_handed(args[1], -returned)
    return lost
end
