-- Settling: how a queue comes by the group copies that were sent to it, by the rule of DESIGN: the unexpired ones since it
-- last settled join it in the order of their numbers while there is room, and the rest is dropped.

-- The queue's groups whose logs have entries that it has not looked at. O(its groups).
local function groups_with_news(queue)
    if layer[L.group_sequence] <= queue[Q.settled] then return {} end
    local prefix = 'S' .. queue[Q.name] .. '\0'
    local found = {}
    for _, member in ipairs(call('ZRANGEBYLEX', members, '[' .. prefix, '(' .. prefix .. '\255')) do
        local group = find_group(string.sub(member, #prefix + 1))
        if group and group[G.last_number] > queue[Q.settled] then found[#found + 1] = group end
    end
    return found
end

-- Brings a queue up to now: what has expired is out, and memberships that lapsed have ended.
local function prepare(queue)
    drain_expired(queue)
    for _, group in ipairs(groups_with_news(queue)) do
        drain_entries(group)
        if string.find(queue[Q.name], '!', 1, true) then
            if not drain_lapses(group) then error(AGAIN) end
        else
            -- A channel of its own need not wait for the lapses of others.
            local own = find_membership(group, queue[Q.name])
            if own and own[M.deadline] <= now then
                end_lapsed(group, own)
                save_group(group)
            end
        end
    end
end

-- Reads a group's log for a queue, past what it has looked at.
local function make_reader(queue, group)
    local reader = {id = group[G.id], position = queue[Q.settled], queue = queue[Q.name], endings = {}}
    reader.member_prefix = 'M' .. subscription_key(reader.queue, reader.id)
    local key = subscription_key(reader.queue, reader.id)
    local first_join = NEVER
    for _, member in ipairs(call('ZRANGEBYLEX', members, '[Z' .. key, '(Z' .. key .. '\255')) do
        local ending = row('z' .. string.sub(member, 2))
        ending.stamp = unpack_struct('>I8', member, #key + 2)
        ending.name, ending.joined_after, ending.ended_after = ending[1], ending[2], ending[3]
        reader.endings[#reader.endings + 1] = ending
        first_join = math.min(first_join, ending.joined_after)
    end
    local first = range(members, reader.member_prefix, 1)[1]
    if first then first_join = math.min(first_join, unpack_struct('>I8', first, #reader.member_prefix + 1)) end
    -- Before the first join there may be very many.
    reader.last = math.max(reader.position, first_join)
    return reader
end

-- Goes on to the next entry: {number, deadline, bytes}, or nil at the end.
local function advance(reader)
    if not reader.page or reader.index > #reader.page then
        if reader.page and #reader.page < 64 or reader.last >= NEVER then
            reader.entry = nil
            return
        end
        reader.page = range(log, 'E' .. reader.id, 64, b8(reader.last + 1))
        reader.index = 1
    end
    local entry = reader.page[reader.index]
    reader.index = reader.index + 1
    if entry then
        local number, deadline, bytes, sent_at = unpack_struct('>I8I8I4I8', entry, 10)
        reader.entry = {number = number, deadline = deadline, bytes = bytes, sent_at = sent_at}
        reader.last = number
    else
        reader.entry = nil
    end
end

-- For whom an entry is meant, in the order of joining; at least the first `most` of them.
local function members_at(reader, number, most)
    local found = {}
    local listed = call('ZRANGEBYLEX', members, '[' .. reader.member_prefix, '(' .. reader.member_prefix .. b8(number),
        'LIMIT', 0, most)
    for _, member in ipairs(listed) do
        local stamp = unpack_struct('>I8', member, #reader.member_prefix + 9)
        found[#found + 1] = {stamp = stamp, name = string.sub(member, #reader.member_prefix + 17)}
    end
    for _, ending in ipairs(reader.endings) do
        if ending.joined_after < number and number <= ending.ended_after then found[#found + 1] = ending end
    end
    table.sort(found, function(one, other) return one.stamp < other.stamp end)
    return found
end

-- How many unread copies there are after `position`, exclusions not taken out.
local function due_count(reader, position)
    local total = 0
    local prefix = reader.member_prefix
    -- Who joined before is counted as one; who joined since, by when.
    local before = call('ZLEXCOUNT', members, '[' .. prefix, '(' .. prefix .. b8(position + 1))
    if before > 0 then total = before * entry_count(reader.id, position, layer[L.sequence]) end
    local next = range(members, prefix, 1, b8(position + 1))[1]
    while next do
        local joined_after = unpack_struct('>I8', next, #prefix + 1)
        local count = count_range(members, prefix, b8(joined_after), b8(joined_after + 1))
        total = total + count * entry_count(reader.id, joined_after, layer[L.sequence])
        next = range(members, prefix, 1, b8(joined_after + 1))[1]
    end
    for _, ending in ipairs(reader.endings) do
        total = total + entry_count(reader.id, math.max(position, ending.joined_after), ending.ended_after)
    end
    return total
end

-- Of unread entries that have not expired: a set of number and stamp, and how many.
local function exclusions_of(queue)
    local prefix = 'X' .. queue[Q.name] .. '\0'
    local found, total = {}, 0
    for _, member in ipairs(call('ZRANGEBYLEX', members, '[' .. prefix .. b8(queue[Q.settled] + 1), '(' .. prefix .. '\255')) do
        if unpack_struct('>I8', member, #prefix + 17) > now then
            found[string.sub(member, #prefix + 1, #prefix + 16)] = true
            total = total + 1
        end
    end
    return found, total
end

-- What settling a prepared queue comes to: {accepted = copies in their order, dropped = count, through = number}; nil where
-- nothing was sent to its groups. Changes nothing. At most `most` copies and what is left of the last entry's.
local function settlement(queue, capacity, most)
    local news = groups_with_news(queue)
    if #news == 0 then return nil end
    local excluded, exclusion_count = exclusions_of(queue)
    local readers = {}
    for index, group in ipairs(news) do
        readers[index] = make_reader(queue, group)
        advance(readers[index])
    end
    local result = {accepted = {}, dropped = 0, through = layer[L.sequence]}
    local accepted = result.accepted
    local room = math.max(0, capacity - queue[Q.pending])
    local seen_exclusions = 0
    while #accepted < room do
        local oldest
        for _, reader in ipairs(readers) do
            if reader.entry and (not oldest or reader.entry.number < oldest.entry.number) then oldest = reader end
        end
        if not oldest then break end
        if #accepted >= most then
            result.through = oldest.entry.number - 1
            return result
        end
        local entry = oldest.entry
        for _, member in ipairs(members_at(oldest, entry.number, room - #accepted + exclusion_count)) do
            if #accepted == room then break end
            if not excluded[b8(entry.number) .. b8(member.stamp)] then
                accepted[#accepted + 1] = {
                    number = entry.number, stamp = member.stamp, deadline = entry.deadline, bytes = entry.bytes,
                    sent_at = entry.sent_at, channel = member.name == queue[Q.name] and '' or member.name,
                }
            end
        end
        if #accepted < room then advance(oldest) end
    end
    if #accepted == room then
        for _, reader in ipairs(readers) do result.dropped = result.dropped + due_count(reader, queue[Q.settled]) end
        result.dropped = result.dropped - exclusion_count - #accepted
    end
    return result
end

-- Settles a prepared queue, a slice at a time.
local function settle(queue, capacity)
    if layer[L.group_sequence] <= queue[Q.settled] then return end
    require_slice()
    local result = settlement(queue, capacity, SLICE_ROWS)
    if not result then
        -- Nothing concerns it: the next one looks from here on.
        queue[Q.settled] = layer[L.sequence]
        return save(queue)
    end
    for _, copy in ipairs(result.accepted) do insert_copy(queue, copy) end
    write_new()
    use_slice(#result.accepted)
    count(queue, 'sent', #result.accepted)
    count(queue, 'dropped', result.dropped)
    queue[Q.settled] = result.through
    change(queue)
    if result.through < layer[L.sequence] then error(AGAIN) end
    -- Everything so far has been looked at: endings and exclusions are over.
    local name = queue[Q.name] .. '\0'
    for _, member in ipairs(call('ZRANGEBYLEX', members, '[X' .. name, '(X' .. name .. '\255')) do
        call('ZREM', members, member)
        call('ZREM', due, member)
    end
    for _, member in ipairs(call('ZRANGEBYLEX', members, '[Z' .. name, '(Z' .. name .. '\255')) do
        local key = string.sub(member, 2)
        call('ZREM', members, member)
        call('HDEL', rows, 'z' .. key)
        call('ZREM', due, 'z' .. key)
        tidy_subscription(queue[Q.name], string.sub(key, #name + 1, #name + 8))
    end
end
