-- Asked when an id was taken: is that our own write?
-- KEYS: session. ARGV: now, our stamp.
local head, why = living(KEYS[1], tonumber(ARGV[1]), 0)
if not head then
  return why
elseif stamp(head) == ARGV[2] then
  return WRITTEN
end
return { CONFLICT, redis.call('GET', KEYS[1]) }
