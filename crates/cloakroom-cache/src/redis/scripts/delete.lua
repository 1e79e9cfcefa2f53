-- KEYS: session. ARGV: now, seen stamp, or '' for whichever it is.
-- Of an owned session it answers whose it was, and until when the index shows it.
local head, why = living(KEYS[1], tonumber(ARGV[1]), 0)
if not head then
  return why
elseif ARGV[2] ~= '' and stamp(head) ~= ARGV[2] then
  return { CONFLICT, redis.call('GET', KEYS[1]) }
end
local answer = WRITTEN
if is_owned(head) then
  answer = { WRITTEN, owner(KEYS[1], head), string.sub(head, 8, 13) }
end
redis.call('DEL', KEYS[1])
return answer
