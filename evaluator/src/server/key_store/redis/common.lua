-- What the scripts share. KEYS[1] is the namespace; below it lie
--   :uses    ids by their last use (ms), the longest idle first
--   :ends    ids by the moment they end (ms)
--   :bytes   id to the length of its message
--   :totals  bytes held; how many expired and were evicted
--   :owner:… the ids of one owner
--   :id:…    what an id names: message, and when it ends at the latest
local space = KEYS[1]
local uses, ends = space .. ':uses', space .. ':ends'
local sizes, totals = space .. ':bytes', space .. ':totals'

local function named(id)
    return space .. ':id:' .. id
end

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function count(what, by)
    redis.call('HINCRBY', totals, what, by)
end

local function forget(id)
    local bytes = redis.call('HGET', sizes, id)
    if not bytes then
        return 0
    end
    redis.call('HDEL', sizes, id)
    count('bytes', -bytes)
    redis.call('ZREM', uses, id)
    redis.call('ZREM', ends, id)
    return redis.call('DEL', named(id))
end

-- Redis drops what an id names by itself; this drops what is counted of it.
local function sweep()
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now())) do
        forget(id)
        count('expired', 1)
    end
end

-- Whether an id is held; it counts as used now.
local function touch(id, idle)
    local last = redis.call('HGET', named(id), 'ends')
    if not last then
        forget(id)
        return false
    end
    local moment = now()
    local ending = math.min(moment + idle, tonumber(last))
    redis.call('PEXPIREAT', named(id), ending)
    redis.call('ZADD', uses, moment, id)
    redis.call('ZADD', ends, ending, id)
    return true
end

-- Forgets those that were idle longest until so much more fits.
local function make_room(more, bytes, most, most_bytes)
    local function is_full()
        local held = tonumber(redis.call('HGET', totals, 'bytes') or '0')
        return redis.call('ZCARD', uses) + more > most or held + bytes > most_bytes
    end
    while is_full() do
        local oldest = redis.call('ZRANGE', uses, 0, 0)[1]
        if not oldest then
            return
        end
        forget(oldest)
        count('evicted', 1)
    end
end

-- What an owner holds, and when the first of it ends.
local function share(owner)
    local held, bytes, first = 0, 0, nil
    for _, id in ipairs(redis.call('SMEMBERS', owner)) do
        local size = redis.call('HGET', sizes, id)
        if size then
            held, bytes = held + 1, bytes + size
            local ending = tonumber(redis.call('ZSCORE', ends, id))
            first = math.min(first or ending, ending)
        else
            redis.call('SREM', owner, id)
        end
    end
    return held, bytes, math.max(0, (first or now()) - now())
end
