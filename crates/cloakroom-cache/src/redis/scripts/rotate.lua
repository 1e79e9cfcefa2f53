-- KEYS: from, to. ARGV: now, seen stamp, our stamp, record, time to live.
-- Of an owned session it answers whose it was, and until when the index shows the old id.
local now = tonumber(ARGV[1])
local taken, trouble = peek(KEYS[2], HEAD)
if trouble and trouble ~= FOREIGN then
  return trouble
elseif taken and is_record(taken) and stamp(taken) == ARGV[3] and moment(taken, 2) > now then
  return WRITTEN
end
local head, why = living(KEYS[1], now, 0)
if not head then
  return why
elseif stamp(head) ~= ARGV[2] or taken ~= '' then
  return { CONFLICT, redis.call('GET', KEYS[1]) }
end
local answer = WRITTEN
if is_owned(head) then
  answer = { WRITTEN, owner(KEYS[1], head), string.sub(head, 8, 13) }
end
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5])
redis.call('DEL', KEYS[1])
return answer
