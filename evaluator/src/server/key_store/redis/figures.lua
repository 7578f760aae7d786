-- Returns the number of ids held, their bytes, and how many expired and were evicted.
sweep()
local function total(what)
    return tonumber(redis.call('HGET', totals, what) or '0')
end
return {redis.call('ZCARD', uses), total('bytes'), total('expired'), total('evicted')}
