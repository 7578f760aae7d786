-- ARGV: id, length before, part, idle (ms), most bytes in all, most of one owner.
-- Returns 0; 1 if another part came first; 2 and a time (ms) if the owner's share is used up; 3 if
-- the id isn't held.
local id, before, part = ARGV[1], tonumber(ARGV[2]), ARGV[3]
sweep()
if not touch(id, tonumber(ARGV[4])) then
    return {3, 0}
end
if tonumber(redis.call('HGET', sizes, id)) ~= before then
    return {1, 0}
end
local _, bytes, wait = share(redis.call('HGET', named(id), 'owner'))
if bytes + #part > tonumber(ARGV[6]) then
    return {2, wait}
end
make_room(0, #part, math.huge, tonumber(ARGV[5]))
local message = redis.call('HGET', named(id), 'message')
if not message then
    return {3, 0}
end
redis.call('HSET', named(id), 'message', message .. part)
redis.call('HINCRBY', sizes, id, #part)
count('bytes', #part)
return {0, 0}
