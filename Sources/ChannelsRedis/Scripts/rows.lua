-- A shard of a layer, in six keys of Redis. Operations on it are atomic, as each is one call of one function.
--
-- How it works. What SQLite has tables and indexes for stands in hashes and sorted sets here: a row is packed in a field
-- of `rows`; an index is a sorted set whose members all have score 0, so that they are ordered as bytes, each a tag, its
-- columns as eight bytes in big-endian order (or text up to a zero byte), and what is wanted with it; `due` is ordered by
-- time. So each key is known before the call, and all six are always there, which a cluster asks for. ARCHITECTURE.md has
-- the tables and their members.
--
-- Times are microseconds of Redis's clock, which never runs backwards here. A number is exact up to 2^53.
--
-- Where more has expired, lapsed or come by groups than a slice, an operation does a slice, throws AGAIN, and is called
-- again. What was done until then stays.

local NEVER = 9007199254740991
local AGAIN = {}
local SLICE_ROWS = 250
local SLICE_BYTES = 16777216
-- What the receives of one call may take before the others have to be called again.
local ANSWER_BYTES = 262144
-- Of Redis's clock: a minute for which counts are kept, and for how long the keys outlive what is in them.
local COUNTS_KEPT = 60000000
local KEYS_KEPT = 86400000000
local FORMAT = 3
-- A message of no more than that stands with its copy.
local SMALL_BYTES = 1024


-- There is nothing of Redis's while the library is loaded: set by the first call.
local call, pack, unpack_row, pack_struct, unpack_struct
-- Of this call.
local rows, messages, copies, log, members, due
local now, layer, queues, groups, slice_rows, slice_bytes
-- What sends put into `messages` and `copies`: written at once, before either is read, or when the call ends.
local new_messages, new_copies
-- What is to be taken out of `messages` when the call ends.
local freed_messages
-- Rows of 'w' and a channel that were read when the call began; false where there is none.
local waiting_rows

-- The shards that were used since this Redis began, by their first key.
local known = {}
-- Which process of Redis this is, as a number that each has for itself, when a server has told.
local process

-- The columns of the layer's row.
local L = {
    format = 1, shards = 2, epoch = 3, sequence = 4, stamp = 5, lane = 6, group_sequence = 7, time = 8, kept_until = 9,
    pending = 10, queues = 11, groups = 12, group_sends = 13, group_copies = 14, sent = 15, delivered = 16,
    expired = 17, purged = 18, rejected = 19, dropped = 20, flushed_lane = 21, group_id = 22, bells = 23,
    process = 24,
}

-- Those of a queue's: a channel of its own, or a mailbox with all its channels.
local Q = {
    lane = 1, pending = 2, settled = 3, first_deadline = 4, last_deadline = 5, sweep_at = 6, purged_lane = 7,
    last_change = 8, sent = 9, delivered = 10, expired = 11, purged = 12, rejected = 13, dropped = 14, early = 15, name = 16,
}

-- What each call reads and writes is packed as doubles, as they are in memory: half the price of cmsgpack, which looks at
-- each number. (What unpacking gives one more is where it ended.) A queue's name is that of its field.
local LAYER, QUEUE = '<dddddddddddddddddddddddd', '<ddddddddddddddd'

local function pack_queue(queue) return pack_struct(QUEUE, unpack(queue, 1, Q.early)) end

local function unpack_queue(packed, name)
    local queue = {unpack_struct(QUEUE, packed)}
    queue[Q.name] = name
    return queue
end

local function read_time()
    local time = call('TIME')
    return time[1] * 1000000 + time[2]
end

local function b8(number) return pack_struct('>I8', number) end

local function write_freed()
    if freed_messages[1] then
        call('HDEL', messages, unpack(freed_messages))
        freed_messages = {}
    end
end

local function free_message(number)
    freed_messages[#freed_messages + 1] = b8(number)
    if #freed_messages > 1000 then write_freed() end
end

local function write_new()
    if new_messages[1] then
        call('HSET', messages, unpack(new_messages))
        new_messages = {}
    end
    if new_copies[1] then
        call('ZADD', copies, unpack(new_copies))
        new_copies = {}
    end
end

-- Members of an index that begin with `prefix`, from `first` on.
local function range(key, prefix, limit, first)
    return call('ZRANGEBYLEX', key, '[' .. prefix .. (first or ''), '(' .. prefix .. '\255', 'LIMIT', 0, limit)
end

local function count_range(key, prefix, first, last)
    return call('ZLEXCOUNT', key, '[' .. prefix .. first, '(' .. prefix .. last)
end

local function row(field)
    local packed = call('HGET', rows, field)
    return packed and unpack_row(packed)
end

local function put_row(field, value) call('HSET', rows, field, pack(value)) end

local function add_copy(member)
    local count = #new_copies
    new_copies[count + 1], new_copies[count + 2] = 0, member
    -- A call takes some thousand arguments.
    if count > 1000 then write_new() end
end

local function use_slice(count, bytes)
    slice_rows = slice_rows - count
    slice_bytes = slice_bytes - (bytes or 0)
end

local function is_slice_used() return slice_rows <= 0 or slice_bytes <= 0 end

local function require_slice() if is_slice_used() then error(AGAIN) end end

-- Has the keys outlive `deadline`. They go by themselves, should no server look after them any more.
local function keep(deadline)
    if deadline + KEYS_KEPT / 2 <= layer[L.kept_until] then return end
    layer[L.kept_until] = deadline + KEYS_KEPT
    local instant = string.format('%.0f', math.floor(layer[L.kept_until] / 1000))
    for _, key in ipairs({rows, messages, copies, log, members, due}) do call('PEXPIREAT', key, instant) end
end

-- A key without members would not be there.
local function make_keys()
    call('HSET', rows, '', '')
    call('HSET', messages, '', '')
    for _, key in ipairs({copies, log, members}) do call('ZADD', key, 0, '') end
    call('ZADD', due, NEVER, '')
    keep(now)
end

local function make_layer(shard, shards)
    layer = {}
    for index = 1, L.process do layer[index] = 0 end
    layer[L.format], layer[L.shards] = FORMAT, shards
    layer[L.epoch] = math.max(1, math.floor(now / 1000)) * 1024 + shard
    make_keys()
end

local RUN = 4294967296

-- Where this Redis has begun anew, or another one has worked for the shard since it last did, the last numbers that were given
-- may be forgotten here: skips to a run of such as were certainly never given. That it is another one only its process
-- tells, as other releases have libraries of their own here.
local function begin_run()
    if known[rows] and (not process or layer[L.process] == process) then return end
    known[rows] = true
    if process and layer[L.process] == process then return end
    for _, column in ipairs({'sequence', 'stamp', 'lane', 'group_id', 'bells'}) do
        layer[L[column]] = (math.floor(layer[L[column]] / RUN) + 1) * RUN
    end
    layer[L.process] = process or 0
end

-- A server tells which process this is: the one that began the run where nobody could tell.
local function learn_process(number)
    if not process and layer[L.process] == 0 then layer[L.process] = number end
    process = number
end

-- Whether keys may be removed and made again: in a cluster, a slot without them that is on its way to another node would be
-- there already.
local function is_slot_at_rest()
    local answer = redis.pcall('EXISTS', string.sub(rows, 1, -5) .. 'none')
    return type(answer) == 'number'
end

-- Begins a call; `packed` is the layer's row.
local function begin(packed, shard, shards)
    slice_rows, slice_bytes, queues, groups = SLICE_ROWS, SLICE_BYTES, {}, {}
    new_messages, new_copies, freed_messages, waiting_rows = {}, {}, {}, {}
    now = read_time()
    if packed then
        layer = {unpack_struct(LAYER, packed)}
        if layer[L.format] ~= FORMAT or layer[L.shards] ~= shards then
            error({err = string.format('LAURELFORMAT %d %d', layer[L.format], layer[L.shards])})
        end
        now = math.max(now, layer[L.time])
        begin_run()
    else
        make_layer(shard, shards)
        known[rows], layer[L.process] = true, process or 0
    end
end

-- Writes the rows that have changed.
local function finish()
    write_new()
    write_freed()
    keep(now)
    layer[L.time] = now
    local fields = {'layer', pack_struct(LAYER, unpack(layer, 1, L.process))}
    for name, queue in pairs(queues) do
        if queue and queue.is_changed then
            queue.is_changed = nil
            fields[#fields + 1] = 'q' .. name
            fields[#fields + 1] = pack_queue(queue)
        end
    end
    for id, group in pairs(groups) do
        if group and group.is_changed then
            group.is_changed = nil
            fields[#fields + 1] = 'g' .. id
            fields[#fields + 1] = pack(group)
        end
    end
    call('HSET', rows, unpack(fields))
end

-- Counts for a queue and for the layer: `column` has the same name in both.
local function count(queue, column, change)
    queue[Q[column]] = queue[Q[column]] + change
    layer[L[column]] = layer[L[column]] + change
end
