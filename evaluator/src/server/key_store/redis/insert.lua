-- ARGV: id, owner, message, idle and life (ms), most ids and bytes in all, most of them of one owner.
-- Returns 0, or which share is used up (1: ids, 2: bytes) and the time until some of it is free (ms).
local id, owner, message = ARGV[1], space .. ':owner:' .. ARGV[2], ARGV[3]
local idle, life = tonumber(ARGV[4]), tonumber(ARGV[5])
sweep()
local held, bytes, wait = share(owner)
if held + 1 > tonumber(ARGV[8]) then
    return {1, wait}
end
if bytes + #message > tonumber(ARGV[9]) then
    return {2, wait}
end
make_room(1, #message, tonumber(ARGV[6]), tonumber(ARGV[7]))
redis.call('HSET', named(id), 'message', message, 'ends', now() + life, 'owner', owner)
redis.call('HSET', sizes, id, #message)
count('bytes', #message)
redis.call('SADD', owner, id)
redis.call('PEXPIRE', owner, life)
touch(id, idle)
return {0, 0}
