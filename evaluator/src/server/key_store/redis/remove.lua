-- ARGV: id. Returns whether it was held.
return forget(ARGV[1])
