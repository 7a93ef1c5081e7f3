-- Groups, their members, and their logs. A group is a row under its number, as a name that is removed and used again is
-- another group; a removed one stays for those who have something unread. In `members`:
--   A group name                                     members, in ASCII order
--   B group deadline name                            by when they lapse
--   M queue 0 group joined-after stamp name          those of a queue, in the order of joining
--   N name 0 group                                   the groups of a channel
--   S queue 0 group, T group queue                   subscriptions: the queues with a member, or with an ending
--   Z queue 0 group stamp                            endings: who was a member, and may have something unread
--   X queue 0 number stamp deadline                  exclusions: that a membership gets no copy of an entry
-- In `log`:
--   E group number deadline bytes(4) sent-at         an entry: what was sent to a group, once for all members
--   D group deadline number bytes(4) sent-at         the same by deadline

local G = {
    name = 1, is_closed = 2, members = 3, last_number = 4, last_deadline = 5, next_lapse = 6, next_expiry = 7, id = 8,
}
local M = {joined_after = 1, stamp = 2, deadline = 3}

local function find_group(id)
    local group = groups[id]
    if group == nil then
        group = row('g' .. id)
        groups[id] = group or false
    end
    return group
end

local function open_group(name)
    local id = call('HGET', rows, 'o' .. name)
    return id and find_group(id)
end

local function save_group(group) group.is_changed = true end

local function make_group(name)
    local group = open_group(name)
    if group then return group end
    layer[L.group_id] = layer[L.group_id] + 1
    local id = b8(layer[L.group_id])
    call('HSET', rows, 'o' .. name, id)
    group = {name, 0, 0, 0, 0, NEVER, NEVER, id}
    groups[id] = group
    save_group(group)
    return group
end

local function is_closed(group) return group[G.is_closed] == 1 end

local function queue_name(channel) return string.match(channel, '^[^!]*!') or channel end

local function find_membership(group, name)
    local membership = row('m' .. group[G.id] .. name)
    if membership then membership.name = name end
    return membership
end

-- What is looked at again when nobody may want anything of it any more.
local function watch_unused(group)
    if is_closed(group) or group[G.members] == 0 then
        call('ZADD', due, math.max(now, group[G.last_deadline]), 'u' .. group[G.id])
    end
end

local function subscription_key(queue, id) return queue .. '\0' .. id end

-- Lets go of a subscription without members and endings, and has a sweep look at its queue.
local function tidy_subscription(queue, id)
    local key = subscription_key(queue, id)
    if range(members, 'M' .. key, 1)[1] or range(members, 'Z' .. key, 1)[1] then return end
    if call('ZREM', members, 'S' .. key) == 0 then return end
    call('ZREM', members, 'T' .. id .. queue)
    local row = find_queue(queue)
    if row then change(row) end
end

local function remove_membership_members(group, membership)
    local name, id = membership.name, group[G.id]
    call('HDEL', rows, 'm' .. id .. name)
    call('ZREM', members, 'A' .. id .. name, 'B' .. id .. b8(membership[M.deadline]) .. name, 'N' .. name .. '\0' .. id,
        'M' .. subscription_key(queue_name(name), id) .. b8(membership[M.joined_after]) .. b8(membership[M.stamp]) .. name)
end

-- How many entries there are with numbers greater than `low`, up to `high`.
local function entry_count(id, low, high)
    if low >= high then return 0 end
    return count_range(log, 'E' .. id, b8(low + 1), b8(high + 1))
end

-- Ends a membership. What was sent to it up to `number` stays sent. The caller saves the group.
local function end_membership(group, membership, number)
    local name, id = membership.name, group[G.id]
    local queue = queue_name(name)
    remove_membership_members(group, membership)
    group[G.members] = group[G.members] - 1
    if group[G.members] == 0 and not is_closed(group) then layer[L.groups] = layer[L.groups] - 1 end
    local found = find_queue(queue)
    local position = math.max(membership[M.joined_after], found and found[Q.settled] or 0)
    if group[G.last_deadline] > now and entry_count(id, position, number) > 0 then
        local key = subscription_key(queue, id) .. b8(membership[M.stamp])
        put_row('z' .. key, {name, membership[M.joined_after], number})
        call('ZADD', members, 0, 'Z' .. key)
        call('ZADD', due, group[G.last_deadline], 'z' .. key)
    else
        tidy_subscription(queue, id)
    end
    watch_unused(group)
end

-- The number of the last entry before `instant`. O(log n): numbers grow with the time.
local function last_entry_before(id, instant)
    local prefix = 'E' .. id
    local function read(entry)
        local number, _, _, sent_at = unpack_struct('>I8I8I4I8', entry, 10)
        return number, sent_at
    end
    local last = call('ZREVRANGEBYLEX', log, '(' .. prefix .. '\255', '[' .. prefix, 'LIMIT', 0, 1)[1]
    if not last then return 0 end
    local high, sent_at = read(last)
    if sent_at < instant then return high end
    local low = 0
    -- What stands at `low` or before is early enough, what stands at `high` is not.
    while true do
        local between = call('ZREVRANGEBYLEX', log, '(' .. prefix .. b8(math.floor((low + high) / 2) + 1),
            '(' .. prefix .. b8(low + 1), 'LIMIT', 0, 1)[1]
        if between then
            local number, sent = read(between)
            if sent < instant then low = number else high = number end
        else
            local next = call('ZRANGEBYLEX', log, '[' .. prefix .. b8(low + 1), '(' .. prefix .. b8(high),
                'LIMIT', 0, 1)[1]
            if not next then return low end
            local number, sent = read(next)
            if sent >= instant then return low end
            low = number
        end
    end
end

-- Ends a membership that lapsed: it gets what was sent before its deadline.
local function end_lapsed(group, membership)
    end_membership(group, membership, last_entry_before(group[G.id], membership[M.deadline]))
end

-- Ends a slice of the group's memberships that lapsed by now. False where there are more.
local function drain_lapses(group)
    if group[G.next_lapse] > now then return true end
    if is_slice_used() then return false end
    local prefix = 'B' .. group[G.id]
    local lapsed = call('ZRANGEBYLEX', members, '[' .. prefix, '(' .. prefix .. b8(now + 1), 'LIMIT', 0, slice_rows)
    for _, member in ipairs(lapsed) do end_lapsed(group, find_membership(group, string.sub(member, 18))) end
    use_slice(#lapsed)
    local first = range(members, prefix, 1)[1]
    group[G.next_lapse] = first and unpack_struct('>I8', first, 10) or NEVER
    call('ZADD', due, group[G.next_lapse], 'l' .. group[G.id])
    save_group(group)
    return group[G.next_lapse] > now
end

-- Frees a group's expired entries. Contents go by their own deadlines.
local function drain_entries(group)
    if group[G.next_expiry] > now then return end
    require_slice()
    local prefix = 'D' .. group[G.id]
    local expired = call('ZRANGEBYLEX', log, '[' .. prefix, '(' .. prefix .. b8(now + 1), 'LIMIT', 0, slice_rows)
    for _, member in ipairs(expired) do
        local deadline, number, bytes, sent_at = unpack_struct('>I8I8I4I8', member, 10)
        call('ZREM', log, member, 'E' .. group[G.id] .. pack_struct('>I8I8I4I8', number, deadline, bytes, sent_at))
    end
    use_slice(#expired)
    local first = range(log, prefix, 1)[1]
    group[G.next_expiry] = first and unpack_struct('>I8', first, 10) or NEVER
    call('ZADD', due, group[G.next_expiry], 'e' .. group[G.id])
    save_group(group)
    if group[G.next_expiry] <= now then error(AGAIN) end
end

local function append_entry(group, number, deadline, bytes)
    local id = group[G.id]
    call('ZADD', log, 0, 'E' .. id .. pack_struct('>I8I8I4I8', number, deadline, bytes, now),
        0, 'D' .. id .. pack_struct('>I8I8I4I8', deadline, number, bytes, now))
    group[G.last_number] = number
    group[G.last_deadline] = math.max(group[G.last_deadline], deadline)
    if deadline < group[G.next_expiry] then
        group[G.next_expiry] = deadline
        call('ZADD', due, deadline, 'e' .. id)
    end
end
