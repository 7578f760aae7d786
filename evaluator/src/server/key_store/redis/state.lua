-- ARGV: id. Returns the time until it ends (ms) and its bytes; -1 if it isn't held.
local bytes = redis.call('HGET', sizes, ARGV[1])
local left = redis.call('PTTL', named(ARGV[1]))
if not bytes or left < 0 then
    return {-1, 0}
end
return {left, tonumber(bytes)}
