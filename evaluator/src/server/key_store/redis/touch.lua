-- ARGV: id, idle (ms). Returns whether the id is held.
return touch(ARGV[1], tonumber(ARGV[2])) and 1 or 0
